# Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
"""Numbers of the port (include/spikard/spikard.h)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

ABI = 3
VERSION = "1.2.3"


class Event(IntEnum):
    """Core to host (`SPK_EV_*`)."""

    ASKED = 3


class Command(IntEnum):
    """Host to core (`SPK_CMD_*`)."""

    SOLD = 2


class Operation(IntEnum):
    """`arg` of Command.CALL (`SPK_OP_*`)."""

    SHOP_BUY = 40
    SHOP_READ = 41
    SHOP_WRITE = 42


class Flag(IntFlag):
    """Flags of events and commands (`SPK_F_*`)."""

    NEW = 1


class Method(IntEnum):
    """Methods in a request (`SPK_METHOD_*`)."""

    GET = 1


class HookPhase(IntEnum):
    """`arg` of Event.HOOK (`SPK_HOOK_*`)."""

    FIRST = 0


class CancelReason(IntEnum):
    """`arg` of Event.CANCEL (`SPK_CANCEL_*`)."""

    BORED = 1


class BodyFormat(IntEnum):
    """Form of a body in a command (`SPK_BODY_*`)."""

    RAW = 0


class AppState(IntEnum):
    """`arg` of Event.STATE."""

    READY = 1
    DRAINING = 2
    STOPPED = 3


class Code(IntEnum):
    """What functions of the port return, negated (`SPK_E_*`)."""

    OK = 0
    CONFIG = 2
