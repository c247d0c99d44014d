// Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
package dev.spikard.internal;

/** Numbers and layouts of the port (include/spikard/spikard.h). */
public final class Abi {
  private Abi() {}

  /** What {@code spk_abi} must say. */
  public static final int ABI = 3;
  /** The version of the core that this was generated for. */
  public static final String VERSION = "1.2.3";

  // Flags.
  public static final int F_NEW = 1;

  // Methods.
  public static final int METHOD_GET = 1;

  // Phases.
  public static final int HOOK_FIRST = 0;

  // Reasons.
  public static final int CANCEL_BORED = 1;

  // Bodies.
  public static final int BODY_RAW = 0;

  // Errors.
  public static final int E_OK = 0;
  public static final int E_CONFIG = 2;

  // Core to host.
  public static final int EV_ASKED = 3;

  // Host to core.
  public static final int CMD_SOLD = 2;

  // Operations: arg of CMD_CALL.
  public static final int OP_SHOP_BUY = 40;
  public static final int OP_SHOP_READ = 41;
  public static final int OP_SHOP_WRITE = 42;

  // Layouts: sizes, and offsets of members, in bytes.
  public static final int SIZEOF_VIEW = 8;
  public static final int AT_VIEW_OFF = 0;
  public static final int AT_VIEW_LEN = 4;
  public static final int SIZEOF_THING = 24;
  public static final int AT_THING_ID = 0;
  public static final int AT_THING_NAME = 8;
  public static final int AT_THING_PTR = 16;
}
