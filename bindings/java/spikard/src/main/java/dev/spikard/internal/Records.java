package dev.spikard.internal;

import dev.spikard.ConfigText;
import dev.spikard.validation.Name;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** How a record is written as nodes, and made from them: found once a class. */
public final class Records {
  private static final ClassValue<Records> KNOWN = new ClassValue<>() {
    @Override
    protected Records computeValue(Class<?> type) {
      return new Records(type);
    }
  };

  private final Class<?> type;
  private final byte[][] names;
  private final MethodHandle[] accessors;
  private final MethodHandle constructor;
  private final RecordComponent[] components;
  private volatile Mapper[] mappers;

  private Records(Class<?> type) {
    this.type = type;
    components = type.getRecordComponents();
    names = new byte[components.length][];
    accessors = new MethodHandle[components.length];
    AnnotatedElement[] said = Element.of(type);
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    try {
      Class<?>[] types = new Class<?>[components.length];
      for (int i = 0; i < components.length; ++i) {
        types[i] = components[i].getType();
        names[i] = nameOf(components[i], said[i]).getBytes(StandardCharsets.UTF_8);
        var accessor = components[i].getAccessor();
        accessor.setAccessible(true);
        accessors[i] = lookup.unreflect(accessor).asType(MethodType.methodType(Object.class, Record.class));
      }
      Constructor<?> made = type.getDeclaredConstructor(types);
      made.setAccessible(true);
      constructor = lookup.unreflectConstructor(made).asType(made.getParameterCount() == 0 ? MethodType.methodType(Object.class) : MethodType.genericMethodType(components.length))
          .asSpreader(Object[].class, components.length);
    } catch (ReflectiveOperationException | RuntimeException error) {
      throw new IllegalArgumentException("record " + type.getName() + " cannot be read: is its package open to dev.spikard? " + error.getMessage(), error);
    }
  }

  public static Records of(Class<?> type) {
    return KNOWN.get(type);
  }

  /** The member's name in JSON. */
  static String nameOf(RecordComponent component, AnnotatedElement said) {
    Name name = said.getAnnotation(Name.class);
    return name == null ? component.getName() : name.value();
  }

  public static String enumText(Enum<?> one) {
    if (one instanceof ConfigText named) return named.text();
    try {
      Name name = one.getDeclaringClass().getField(one.name()).getAnnotation(Name.class);
      return name == null ? one.name() : name.value();
    } catch (NoSuchFieldException error) {
      return one.name();
    }
  }

  void write(Record record, NodeWriter out) {
    int at = out.begin(true);
    try {
      for (int i = 0; i < names.length; ++i) {
        out.string(names[i]);
        out.value((Object) accessors[i].invokeExact(record));
      }
    } catch (RuntimeException | Error error) {
      throw error;
    } catch (Throwable error) {
      throw new IllegalStateException(error);
    }
    out.end(at, names.length);
  }

  Object read(Nodes in) {
    Mapper[] readers = mappers;
    if (readers == null) {
      readers = new Mapper[components.length];
      for (int i = 0; i < readers.length; ++i) readers[i] = Mapper.of(components[i].getGenericType());
      mappers = readers;
    }
    if (in.type() != Abi.OBJ) throw new MappingException("expected an object for " + type.getSimpleName());
    Object[] values = new Object[names.length];
    boolean[] there = new boolean[names.length];
    int n = in.enter();
    for (int m = 0, guess = 0; m < n; ++m, ++guess) {
      int i = find(in, guess);
      in.skip();
      if (i < 0) {
        in.skip();
        continue;
      }
      guess = i;
      there[i] = true;
      try {
        values[i] = readers[i].read(in);
      } catch (MappingException error) {
        throw error.in(components[i].getName());
      }
    }
    for (int i = 0; i < names.length; ++i) {
      if (!there[i]) values[i] = readers[i].absent();
      if (values[i] == null && components[i].getType().isPrimitive()) throw new MappingException("is missing").in(components[i].getName());
    }
    try {
      return (Object) constructor.invokeExact(values);
    } catch (RuntimeException | Error error) {
      throw error;
    } catch (Throwable error) {
      throw new MappingException(error.getMessage());
    }
  }

  private int find(Nodes in, int guess) {
    if (guess < names.length && in.isText(names[guess])) return guess;
    for (int i = 0; i < names.length; ++i) {
      if (in.isText(names[i])) return i;
    }
    return -1;
  }

  @Override
  public String toString() {
    return type.getName() + Arrays.toString(components);
  }
}
