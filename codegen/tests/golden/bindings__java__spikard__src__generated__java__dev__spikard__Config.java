// Generated from spec/services by codegen. Do not edit.
package dev.spikard;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The manifest as classes: what {@link App#config} takes, and the options of clients. Only what is set is told to the core, which has the defaults and checks all of it.
 *
 * <pre>{@code
 * app.config(new Config.Manifest().shutdown(new Config.Shutdown().timeout(Duration.ofSeconds(5))));
 * }</pre>
 */
public final class Config {
  private Config() {}

  /** A colour. */
  public enum Colour implements ConfigText {
    /** Like fire. */
    RED("red"),
    /** null */
    NULL("null");

    private final String text;

    Colour(String text) {
      this.text = text;
    }

    @Override
    public String text() {
      return text;
    }
  }

  /** A wheel. */
  public static final class Wheel extends ConfigObject<Wheel> {
    /** Its size, in inches. */
    public Wheel in(int value) {
      return put("in", value);
    }

    /** Spokes; -1: not counted. */
    public Wheel spokes(int value) {
      return put("spokes", value);
    }
  }

  /** A shop of bikes. */
  public static final class Shop extends ConfigObject<Shop> {
    /** Its name. */
    public Shop name(String value) {
      return put("name", value);
    }

    /** It is open. */
    public Shop open(boolean value) {
      return put("open", value);
    }

    /** Of the door. */
    public Shop colour(Colour value) {
      return put("colour", value);
    }

    /** Of the bikes. */
    public Shop colours(List<Colour> value) {
      return put("colours", value);
    }

    /** Words. */
    public Shop tags(List<String> value) {
      return put("tags", value);
    }

    /** In store. */
    public Shop wheels(List<Wheel> value) {
      return put("wheels", value);
    }

    /** The best one. */
    public Shop best(Wheel value) {
      return put("best", value);
    }

    /** Named ones. */
    public Shop byName(Map<String, Wheel> value) {
      return put("by_name", value);
    }

    /** Anything. */
    public Shop any(Object value) {
      return put("any", value);
    }

    /** How many; null: any number. */
    public Shop limit(Long value) {
      return put("limit", value);
    }
  }
}
