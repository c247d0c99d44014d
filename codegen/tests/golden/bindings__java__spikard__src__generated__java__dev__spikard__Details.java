// Generated from spec/errors.yaml by codegen. Do not edit.
package dev.spikard;

/** Finer codes of errors: what {@link OperationException#detail()} gives. */
public final class Details {
  private Details() {}

  /** Of shop. */
  public static final class Shop {
    private Shop() {}

    /** No bike of that name. Kind: {@link ErrorKind#NOT_FOUND}. */
    public static final String NO_BIKE = "no_bike";
  }
}
