-- One database a service; none reads another's.
CREATE DATABASE goodword_programs;
CREATE DATABASE goodword_attribution;
CREATE DATABASE goodword_fraud;
CREATE DATABASE goodword_rewards;
CREATE DATABASE goodword_notifications;
CREATE DATABASE goodword_partners;
CREATE DATABASE goodword_hub;
