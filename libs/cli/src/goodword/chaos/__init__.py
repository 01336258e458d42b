"""Kills everything at random under load, then proves from topics, tables and sinks what held."""
