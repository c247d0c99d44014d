package dev.spikard;

/** Why a handler is told to stop. */
public enum CancelReason {
  /** The application asked for it. */
  REQUESTED,
  /** Its time is over; it has been answered. */
  DEADLINE,
  /** The client has closed the connection. */
  CLIENT_GONE,
  /** The drain's time is over. */
  SHUTDOWN;

  static CancelReason of(long number) {
    return number >= 1 && number <= 4 ? values()[(int) number - 1] : REQUESTED;
  }
}
