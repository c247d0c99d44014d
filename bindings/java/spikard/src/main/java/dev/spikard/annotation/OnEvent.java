package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A handler of CloudEvents: of a CloudEvent, of its data, or of both. It may answer with an event. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface OnEvent {
  /** Type, exact or with *. */
  String value() default "*";

  String source() default "*";

  String subject() default "*";

  /** Where they come in over HTTP. */
  String path() default "/events";

  /** From a topic of a broker instead. */
  String topic() default "";
}
