# Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
from enum import IntEnum, IntFlag

ABI: int
VERSION: str

class Event(IntEnum):
    ASKED = 3

class Command(IntEnum):
    SOLD = 2

class Operation(IntEnum):
    SHOP_BUY = 40
    SHOP_READ = 41
    SHOP_WRITE = 42

class Flag(IntFlag):
    NEW = 1

class Method(IntEnum):
    GET = 1

class HookPhase(IntEnum):
    FIRST = 0

class CancelReason(IntEnum):
    BORED = 1

class BodyFormat(IntEnum):
    RAW = 0

class AppState(IntEnum):
    READY = 1
    DRAINING = 2
    STOPPED = 3

class Code(IntEnum):
    OK = 0
    CONFIG = 2
