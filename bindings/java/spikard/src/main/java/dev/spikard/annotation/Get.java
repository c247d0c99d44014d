package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Answers GET of a path. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Get {
  /** The path: {@code /orders/{id:int}}. */
  String value();

  /** The status of what the method gives, unless it says its own. */
  int status() default 200;

  /** Milliseconds; 0: no limit of its own. */
  long timeoutMs() default 0;

  /** The body is not read before: take a BodyStream. */
  boolean stream() default false;
}
