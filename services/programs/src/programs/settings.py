"""What the control plane can be told from outside."""

from service_kit.settings import KitSettings, Secret


class Settings(KitSettings):
    """The kit's settings and the deployment's secrets."""

    key_pepper: Secret
    """Under which API keys are hashed; the same in every service."""
    match_key: Secret
    """Under which e-mail addresses are hashed for matching; the same in every service."""
    master_key: Secret
    """Under which people's keys and the private day keys lie encrypted in the database."""
    admin_key: Secret
    """The first admin key: actor `root`, every role."""
    contact_token: Secret
    """The bearer token with which notifications and the hub fetch people's keys."""
