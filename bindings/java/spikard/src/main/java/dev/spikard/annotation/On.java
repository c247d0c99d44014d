package dev.spikard.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A hook of a phase: on_request, pre_validation, pre_handler, on_response or on_error. The method takes a Request, a ResponseDraft, or both. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface On {
  String value();
}
