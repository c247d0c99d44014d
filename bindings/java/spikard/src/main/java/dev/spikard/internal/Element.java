package dev.spikard.internal;

import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;

/** A record's component with what is said at it: by Java at the component itself, by Kotlin at the constructor's parameter. */
final class Element implements AnnotatedElement {
  private final Annotation[] all;

  private Element(Annotation[] all) {
    this.all = all;
  }

  static AnnotatedElement[] of(Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    for (int i = 0; i < types.length; ++i) types[i] = components[i].getType();
    AnnotatedElement[] out = new AnnotatedElement[components.length];
    try {
      Constructor<?> made = type.getDeclaredConstructor(types);
      Annotation[][] more = made.getParameterAnnotations();
      for (int i = 0; i < out.length; ++i) {
        List<Annotation> found = new ArrayList<>(List.of(components[i].getAnnotations()));
        if (more.length == out.length) {
          for (Annotation one : more[i]) {
            if (!found.contains(one)) found.add(one);
          }
        }
        out[i] = new Element(found.toArray(Annotation[]::new));
      }
      return out;
    } catch (NoSuchMethodException impossible) {
      throw new IllegalArgumentException(type.getName() + " has no canonical constructor", impossible);
    }
  }

  @Override
  public <T extends Annotation> T getAnnotation(Class<T> type) {
    for (Annotation one : all) {
      if (type.isInstance(one)) return type.cast(one);
    }
    return null;
  }

  @Override
  public Annotation[] getAnnotations() {
    return all.clone();
  }

  @Override
  public Annotation[] getDeclaredAnnotations() {
    return all.clone();
  }
}
