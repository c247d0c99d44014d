// Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
/** Numbers of the port (include/spikard/spikard.h). */

export const ABI = 3;
export const VERSION = '1.2.3';

/** Core to host (`SPK_EV_*`). */
export const Event = {
  ASKED: 3,
} as const;

/** Host to core (`SPK_CMD_*`). */
export const Command = {
  SOLD: 2,
} as const;

/** `arg` of Command.CALL (`SPK_OP_*`). */
export const Operation = {
  SHOP_BUY: 40,
  SHOP_READ: 41,
  SHOP_WRITE: 42,
} as const;

/** Flags of events and commands (`SPK_F_*`). */
export const Flag = {
  NEW: 1,
} as const;

/** Methods in a request (`SPK_METHOD_*`). */
export const Method = {
  GET: 1,
} as const;

/** `arg` of Event.HOOK (`SPK_HOOK_*`). */
export const HookPhase = {
  FIRST: 0,
} as const;

/** `arg` of Event.CANCEL (`SPK_CANCEL_*`). */
export const CancelReason = {
  BORED: 1,
} as const;

/** Form of a body in a command (`SPK_BODY_*`). */
export const BodyFormat = {
  RAW: 0,
} as const;

/** What functions of the port return, negated (`SPK_E_*`). */
export const Code = {
  OK: 0,
  CONFIG: 2,
} as const;

/** `arg` of Event.STATE. */
export const AppState = { READY: 1, DRAINING: 2, STOPPED: 3 } as const;

/** Byte offsets in the layouts. */
export const Layout = {
  view: { sizeof: 8, off: 0, len: 4 },
  thing: { sizeof: 24, id: 0, name: 8, ptr: 16 },
} as const;
