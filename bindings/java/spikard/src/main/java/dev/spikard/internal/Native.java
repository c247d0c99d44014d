package dev.spikard.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The port, as native/spikard_jni.c has it. Handles and addresses are plain longs: nothing here checks them. */
public final class Native {
  private Native() {}

  static {
    load();
    if (abi() != Abi.ABI) throw new UnsatisfiedLinkError("libspikard has ABI " + abi() + ", this jar was made for " + Abi.ABI);
  }

  public static native int abi();

  /** The address of a direct buffer. */
  public static native long address(ByteBuffer buffer);

  public static native ByteBuffer view(long address, long size);

  /** UTF-8: the text of this thread's last error. */
  public static native byte[] error();

  /** A handle, or a negated error code. */
  public static native long appOpen(byte[] manifest, boolean configured);

  public static native int appStart(long app);

  /** deadlineMs: negative keeps the manifest's. */
  public static native int drain(long app, long deadlineMs);

  public static native void appClose(long app);

  public static native byte[] info(long app);

  public static native byte[] report(long app);

  public static native long portOpen(long app);

  public static native void portClose(long port);

  public static native int region(long port, long[] addressAndSize);

  public static native int wake(long port);

  public static native int submit(long port, long commands, int count);

  /** Submits, polls, and says of each record where it is: {@link #IN_REGION}, {@link #IN_SCRATCH}, or an address. */
  public static native int step(long port, long commands, int count, long events, int max, int timeoutMs, long scratch, int scratchSize, long region, long regionSize);

  /** 1: the record is at `reply`, or in large[0] when it has more than `cap` bytes; 0: DONE follows; else a negated error code. */
  public static native int call(long port, long command, long reply, int cap, byte[][] large);

  /** A record with the document as nodes; null: {@link #lastError} says why. */
  public static native byte[] jsonRead(byte[] json);

  /** Nodes, texts relative to the first, as JSON text; null when they are malformed. */
  public static native byte[] jsonWrite(byte[] nodes);

  /** Of this process: the core reads it, System.getenv does not. value: null takes it away. */
  public static native int setenv(String name, String value);

  public static final long IN_REGION = 1L << 62;
  public static final long IN_SCRATCH = 1L << 63;

  public static String lastError() {
    byte[] text = error();
    return text == null ? "" : new String(text, StandardCharsets.UTF_8);
  }

  /** From {@code -Dspikard.native=FOLDER}, else from the jar, unpacked into a folder of this process's own. */
  private static void load() {
    String folder = System.getProperty("spikard.native");
    if (folder != null) System.load(Path.of(folder, "libspikard_jni.so").toAbsolutePath().toString());
    else loadUnpacked();
  }

  private static void loadUnpacked() {
    String os = System.getProperty("os.name").toLowerCase(java.util.Locale.ROOT).replace(' ', '_');
    String arch = System.getProperty("os.arch");
    String place = "/dev/spikard/native/" + os + "-" + arch + "/";
    try {
      Path folder = Files.createTempDirectory("spikard-");
      String[] names = {"libspikard.so.0", "libspikard_jni.so"};
      for (String name : names) {
        try (InputStream in = Native.class.getResourceAsStream(place + name)) {
          if (in == null) throw new UnsatisfiedLinkError("there is no " + place + name + " in the jar; build one for this platform, or set -Dspikard.native");
          Files.copy(in, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      // A library that is loaded needs its file no more.
      System.load(folder.resolve("libspikard.so.0").toString());
      System.load(folder.resolve("libspikard_jni.so").toString());
      for (String name : names) Files.deleteIfExists(folder.resolve(name));
      Files.deleteIfExists(folder);
    } catch (IOException error) {
      throw new UncheckedIOException("the native library could not be unpacked", error);
    }
  }
}
