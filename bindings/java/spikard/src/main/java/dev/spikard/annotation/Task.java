package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A task: its arguments by name from a JSON object, or as a whole for one record; a TaskRun is the run itself. What it gives is the result. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Task {
  /** The name; else that of the method. */
  String value() default "";

  String queue() default "default";

  String client() default "default";
}
