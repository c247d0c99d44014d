package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Makes a dependency; its parameters are dependencies by their names. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Provides {
  /** The name; else that of the method. */
  String value() default "";

  /** singleton, request or transient. */
  String scope() default "request";
}
