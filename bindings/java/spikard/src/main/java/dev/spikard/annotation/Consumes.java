package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A consumer of messages: of a Message, of the payload as its type says (bytes, text, or JSON, checked by the core), or of both. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Consumes {
  /** The topic. */
  String value();

  String group() default "";

  String name() default "";

  String client() default "default";

  /** Handlers at once; 0: the core says. */
  int concurrency() default 0;

  /** Tries after the first; -1: the core says. */
  int maxRetries() default -1;

  String deadLetter() default "";

  boolean ordered() default false;

  /** earliest or latest; empty: the core says. */
  String startFrom() default "";
}
