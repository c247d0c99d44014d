package dev.spikard.internal;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/** How nodes become a value of one Java type. What the schema says was checked by the core; here a value that does not fit is a {@link MappingException}. */
@FunctionalInterface
public interface Mapper {
  Object read(Nodes in);

  /** What a member that is not there is. */
  default Object absent() {
    return null;
  }

  Mapper PLAIN = Nodes::value;

  static Mapper of(Type type) {
    if (type instanceof Class<?> c) return ofClass(c);
    if (type instanceof ParameterizedType p) return ofParameterized(p);
    if (type instanceof WildcardType w) return of(w.getUpperBounds()[0]);
    if (type instanceof GenericArrayType a) return array(raw(a.getGenericComponentType()), of(a.getGenericComponentType()));
    return PLAIN;
  }

  static Class<?> raw(Type type) {
    if (type instanceof Class<?> c) return c;
    if (type instanceof ParameterizedType p) return (Class<?>) p.getRawType();
    if (type instanceof WildcardType w) return raw(w.getUpperBounds()[0]);
    if (type instanceof GenericArrayType a) return Array.newInstance(raw(a.getGenericComponentType()), 0).getClass();
    return Object.class;
  }

  private static MappingException unfit(String wanted) {
    return new MappingException("expected " + wanted);
  }

  private static Object orNull(Nodes in, Mapper present) {
    if (in.isNull()) {
      in.skip();
      return null;
    }
    return present.read(in);
  }

  private static Object text(Nodes in, String wanted, Function<String, Object> make) {
    if (in.type() != Abi.STR) throw unfit(wanted);
    String text = in.text();
    try {
      return make.apply(text);
    } catch (RuntimeException error) {
      throw unfit(wanted);
    }
  }

  private static Mapper textual(String wanted, Function<String, Object> make) {
    return in -> orNull(in, present -> text(present, wanted, make));
  }

  private static Mapper whole(String name, long min, long max, Function<Long, Object> make) {
    return in -> orNull(in, present -> {
      int type = present.type();
      long value;
      if (type == Abi.INT) {
        value = present.integer();
      } else if (type == Abi.F64) {
        double number = present.number();
        value = (long) number;
        if (value != number) throw unfit(name);
      } else {
        throw unfit(name);
      }
      if (value < min || value > max) throw unfit(name + ", not " + value);
      return make.apply(value);
    });
  }

  private static Object fraction(Nodes in, Function<Number, Object> make) {
    Object value = in.type() == Abi.STR ? null : in.value();
    if (!(value instanceof Number number)) throw unfit("a number");
    return make.apply(number);
  }

  private static BigDecimal decimal(Number number) {
    return number instanceof BigDecimal big ? big : new BigDecimal(number.toString());
  }

  private static BigDecimal decimal(Nodes in) {
    return in.type() == Abi.STR ? (BigDecimal) text(in, "a decimal", BigDecimal::new) : (BigDecimal) fraction(in, Mapper::decimal);
  }

  private static Mapper ofClass(Class<?> c) {
    if (c == Object.class) return PLAIN;
    if (c == String.class || c == CharSequence.class) return textual("a text", text -> text);
    if (c == int.class || c == Integer.class) return whole("an integer of 32 bits", Integer.MIN_VALUE, Integer.MAX_VALUE, Long::intValue);
    if (c == long.class || c == Long.class) return whole("an integer of 64 bits", Long.MIN_VALUE, Long.MAX_VALUE, value -> value);
    if (c == short.class || c == Short.class) return whole("an integer of 16 bits", Short.MIN_VALUE, Short.MAX_VALUE, Long::shortValue);
    if (c == byte.class || c == Byte.class) return whole("an integer of 8 bits", Byte.MIN_VALUE, Byte.MAX_VALUE, Long::byteValue);
    if (c == double.class || c == Double.class) return in -> orNull(in, n -> fraction(n, Number::doubleValue));
    if (c == float.class || c == Float.class) return in -> orNull(in, n -> fraction(n, Number::floatValue));
    if (c == BigDecimal.class) return in -> orNull(in, Mapper::decimal);
    if (c == BigInteger.class) return in -> orNull(in, n -> decimal(n).toBigIntegerExact());
    if (c == Number.class) return in -> orNull(in, n -> fraction(n, number -> number));
    if (c == boolean.class || c == Boolean.class) {
      return in -> orNull(in, n -> {
        if (n.type() != Abi.BOOL) throw unfit("true or false");
        return n.integer() != 0;
      });
    }
    if (c == char.class || c == Character.class) return textual("one character", text -> {
      if (text.length() != 1) throw new IllegalArgumentException();
      return text.charAt(0);
    });
    if (c == byte[].class) return in -> orNull(in, n -> n.type() == Abi.BYTES ? n.bytes() : text(n, "base64", Base64.getDecoder()::decode));
    if (c == UUID.class) return textual("a UUID", UUID::fromString);
    if (c == Instant.class) return textual("a date-time", text -> OffsetDateTime.parse(text).toInstant());
    if (c == OffsetDateTime.class) return textual("a date-time", OffsetDateTime::parse);
    if (c == ZonedDateTime.class) return textual("a date-time", ZonedDateTime::parse);
    if (c == LocalDate.class) return textual("a date", LocalDate::parse);
    if (c == LocalTime.class) return textual("a time", LocalTime::parse);
    if (c == LocalDateTime.class) return textual("a date and time", text -> LocalDateTime.parse(text.replace(' ', 'T')));
    if (c == Duration.class) return textual("a duration", Duration::parse);
    if (c == URI.class) return textual("a URI", URI::create);
    if (c.isEnum()) {
      Map<String, Object> byText = new HashMap<>();
      for (Object one : c.getEnumConstants()) byText.put(Records.enumText((Enum<?>) one), one);
      return textual("one of " + byText.keySet(), text -> {
        Object one = byText.get(text);
        if (one == null) throw new IllegalArgumentException();
        return one;
      });
    }
    if (c.isRecord()) return in -> orNull(in, n -> Records.of(c).read(n));
    if (c.isArray()) return array(c.getComponentType(), of(c.getComponentType()));
    if (c == List.class || c == Collection.class || c == Iterable.class || c == Map.class) return PLAIN;
    if (c == Set.class) return in -> orNull(in, n -> new LinkedHashSet<>((List<?>) n.value()));
    if (c == Optional.class) return optional(PLAIN);
    throw new IllegalArgumentException(c.getName() + " cannot be read from JSON: use a record, an enum, a List, a Map or a value of JSON");
  }

  private static Mapper array(Class<?> component, Mapper item) {
    return in -> orNull(in, n -> {
      List<Object> items = items(n, item);
      Object array = Array.newInstance(component, items.size());
      for (int i = 0; i < items.size(); ++i) Array.set(array, i, items.get(i));
      return array;
    });
  }

  private static List<Object> items(Nodes in, Mapper item) {
    if (in.type() != Abi.ARR) throw unfit("an array");
    int n = in.enter();
    List<Object> out = new ArrayList<>(n);
    for (int i = 0; i < n; ++i) {
      try {
        out.add(item.read(in));
      } catch (MappingException error) {
        throw error.at(i);
      }
    }
    return out;
  }

  private static Mapper optional(Mapper item) {
    return new Mapper() {
      @Override
      public Object read(Nodes in) {
        return Optional.ofNullable(item.read(in));
      }

      @Override
      public Object absent() {
        return Optional.empty();
      }
    };
  }

  private static Mapper ofParameterized(ParameterizedType type) {
    Class<?> c = (Class<?>) type.getRawType();
    Type[] arguments = type.getActualTypeArguments();
    if (c == List.class || c == Collection.class || c == Iterable.class) {
      Mapper item = of(arguments[0]);
      return in -> orNull(in, n -> items(n, item));
    }
    if (c == Set.class) {
      Mapper item = of(arguments[0]);
      return in -> orNull(in, n -> new LinkedHashSet<>(items(n, item)));
    }
    if (c == Optional.class) return optional(of(arguments[0]));
    if (c == Map.class) {
      if (raw(arguments[0]) != String.class) throw new IllegalArgumentException(type + ": keys of JSON are texts");
      Mapper value = of(arguments[1]);
      return in -> orNull(in, n -> {
        if (n.type() != Abi.OBJ) throw unfit("an object");
        int members = n.enter();
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < members; ++i) {
          String key = n.text();
          try {
            map.put(key, value.read(n));
          } catch (MappingException error) {
            throw error.in(key);
          }
        }
        return map;
      });
    }
    return ofClass(c);
  }
}
