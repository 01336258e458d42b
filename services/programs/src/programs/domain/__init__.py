"""The control plane's decisions, pure: a document, the state and the terms in, changes out."""

from .change import ROLE_OF, Change, Difference, Kind, Role
from .faults import Fault, faults_of
from .organisation import Organisation
from .plan import Plan, plan
from .state import KeyState, ParticipantState, ProgramState, State
from .terms import Refused, Terms

__all__ = [
    "ROLE_OF",
    "Change",
    "Difference",
    "Fault",
    "KeyState",
    "Kind",
    "Organisation",
    "ParticipantState",
    "Plan",
    "ProgramState",
    "Refused",
    "Role",
    "State",
    "Terms",
    "faults_of",
    "plan",
]
