package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Runs a task by the clock: each time makes one job for any number of processes. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Scheduled {
  /** Five fields, or six with seconds. */
  String value();

  /** A name of the IANA data base. */
  String timezone() default "UTC";

  /** skip, once or all; empty: the core says. */
  String misfire() default "";

  /** allow or forbid; empty: the core says. */
  String overlap() default "";
}
