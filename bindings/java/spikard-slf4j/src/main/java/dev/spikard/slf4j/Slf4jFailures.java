package dev.spikard.slf4j;

import dev.spikard.App;
import dev.spikard.Config;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Failures of handlers to SLF4J instead of the core's log: {@code Slf4jFailures.install(app)}. */
public final class Slf4jFailures {
  private Slf4jFailures() {}

  /** Sends what leaves handlers to the logger {@code dev.spikard} and silences the core's own log. */
  public static App install(App app) {
    Logger logger = LoggerFactory.getLogger("dev.spikard");
    return app.config(new Config.Manifest().log(new Config.Log().level(Config.LogLevel.OFF))).onFailure(error -> logger.error(String.valueOf(error.getMessage()), error));
  }
}
