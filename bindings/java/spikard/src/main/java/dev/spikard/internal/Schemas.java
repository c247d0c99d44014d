package dev.spikard.internal;

import dev.spikard.validation.Description;
import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedArrayType;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * JSON Schema 2020-12 from Java's types and the annotations at them: those of dev.spikard.validation, and those of Jakarta Validation of the same names. Nothing is checked here: the core compiles the
 * schema.
 */
public final class Schemas {
  private final Map<String, Object> definitions = new LinkedHashMap<>();
  private final Map<Class<?>, String> names = new LinkedHashMap<>();

  /** The schema of a type, with what it refers to. */
  public static Map<String, Object> document(AnnotatedType type, AnnotatedElement element) {
    Schemas schemas = new Schemas();
    Map<String, Object> schema = schemas.of(type, element);
    return schemas.closed(schema);
  }

  public static Map<String, Object> document(Type type) {
    Schemas schemas = new Schemas();
    return schemas.closed(schemas.ofType(type, null));
  }

  private Map<String, Object> closed(Map<String, Object> schema) {
    if (!definitions.isEmpty()) {
      schema = new LinkedHashMap<>(schema);
      schema.put("$defs", definitions);
    }
    return schema;
  }

  /** Whether null, or nothing, is a value of it. */
  public static boolean optional(Type type, AnnotatedElement element, AnnotatedType annotated) {
    return Mapper.raw(type) == Optional.class || has(element, "Nullable") || has(annotated, "Nullable");
  }

  public static boolean has(AnnotatedElement element, String name) {
    if (element == null) return false;
    for (Annotation one : element.getAnnotations()) {
      if (one.annotationType().getSimpleName().equals(name)) return true;
    }
    return false;
  }

  /** The default at an element, parsed; NONE when there is none. */
  public static final Object NONE = new Object();

  public static Object defaultOf(AnnotatedElement element) {
    dev.spikard.validation.Default given = element.getAnnotation(dev.spikard.validation.Default.class);
    if (given == null) return NONE;
    try {
      return Json.parse(given.value());
    } catch (IllegalArgumentException error) {
      return given.value(); // a text without quotes
    }
  }

  public Map<String, Object> of(AnnotatedType type, AnnotatedElement element) {
    Map<String, Object> schema = ofType(type.getType(), type);
    List<Annotation> found = new ArrayList<>();
    if (element != null) found.addAll(List.of(element.getAnnotations()));
    for (Annotation one : type.getAnnotations()) {
      if (!found.contains(one)) found.add(one);
    }
    Map<String, Object> more = new LinkedHashMap<>();
    boolean nullable = optional(type.getType(), element, type);
    for (Annotation one : found) constrain(more, one, schema);
    Object given = element == null ? NONE : defaultOf(element);
    if (more.isEmpty() && !nullable && given == NONE) return schema;
    Map<String, Object> out = new LinkedHashMap<>(schema);
    out.putAll(more);
    if (nullable) out = nullable(out);
    if (given != NONE) out.put("default", given);
    return out;
  }

  private static Map<String, Object> nullable(Map<String, Object> schema) {
    Map<String, Object> out = new LinkedHashMap<>(schema);
    if (schema.get("type") instanceof String text) {
      if (text.equals("null")) return out;
      out.put("type", List.of(text, "null"));
      if (schema.get("enum") instanceof List<?> values) {
        List<Object> more = new ArrayList<>(values);
        more.add(null);
        out.put("enum", more);
      }
      return out;
    }
    if (schema.isEmpty() || schema.get("type") instanceof List<?>) return out;
    out.clear();
    out.put("anyOf", List.of(schema, Map.of("type", "null")));
    return out;
  }

  private Map<String, Object> ofType(Type type, AnnotatedType annotated) {
    if (type instanceof ParameterizedType p) {
      Class<?> c = (Class<?>) p.getRawType();
      AnnotatedType[] arguments = annotated instanceof AnnotatedParameterizedType ap ? ap.getAnnotatedActualTypeArguments() : null;
      int last = p.getActualTypeArguments().length - 1;
      Map<String, Object> inner = arguments != null ? of(arguments[last], null) : ofType(p.getActualTypeArguments()[last], null);
      if (c == Optional.class) return inner;
      if (c == Map.class) return map("type", "object", "additionalProperties", inner);
      if (Collection.class.isAssignableFrom(c) || c == Iterable.class) {
        Map<String, Object> schema = map("type", "array", "items", inner);
        if (c == Set.class) schema.put("uniqueItems", true);
        return schema;
      }
      throw new IllegalArgumentException("no schema for " + type);
    }
    if (annotated instanceof AnnotatedArrayType array && Mapper.raw(type) != byte[].class) return map("type", "array", "items", of(array.getAnnotatedGenericComponentType(), null));
    return ofClass(Mapper.raw(type));
  }

  private Map<String, Object> ofClass(Class<?> c) {
    if (c == Object.class) return new LinkedHashMap<>();
    if (c == String.class || c == CharSequence.class) return map("type", "string");
    if (c == boolean.class || c == Boolean.class) return map("type", "boolean");
    if (c == int.class || c == Integer.class) return map("type", "integer", "minimum", (long) Integer.MIN_VALUE, "maximum", (long) Integer.MAX_VALUE);
    if (c == short.class || c == Short.class) return map("type", "integer", "minimum", (long) Short.MIN_VALUE, "maximum", (long) Short.MAX_VALUE);
    if (c == byte.class || c == Byte.class) return map("type", "integer", "minimum", (long) Byte.MIN_VALUE, "maximum", (long) Byte.MAX_VALUE);
    if (c == long.class || c == Long.class || c == BigInteger.class) return map("type", "integer");
    if (c == double.class || c == Double.class || c == float.class || c == Float.class || c == BigDecimal.class || c == Number.class) return map("type", "number");
    if (c == char.class || c == Character.class) return map("type", "string", "minLength", 1L, "maxLength", 1L);
    if (c == UUID.class) return map("type", "string", "format", "uuid");
    if (c == Instant.class || c == OffsetDateTime.class || c == ZonedDateTime.class) return map("type", "string", "format", "date-time");
    if (c == LocalDate.class) return map("type", "string", "format", "date");
    if (c == LocalTime.class) return map("type", "string", "format", "time");
    if (c == Duration.class) return map("type", "string", "format", "duration");
    if (c == URI.class) return map("type", "string", "format", "uri");
    if (c == byte[].class) return map("type", "string", "contentEncoding", "base64");
    if (c.isEnum()) {
      List<Object> values = new ArrayList<>();
      for (Object one : c.getEnumConstants()) values.add(Records.enumText((Enum<?>) one));
      return map("type", "string", "enum", values);
    }
    if (c == Map.class) return map("type", "object");
    if (Collection.class.isAssignableFrom(c) || c == Iterable.class) return map("type", "array");
    if (c.isArray()) return map("type", "array", "items", ofClass(c.getComponentType()));
    if (c.isRecord()) return record(c);
    throw new IllegalArgumentException("no schema for " + c.getName() + ": use a record, an enum, a List, a Map or a value of JSON");
  }

  private Map<String, Object> record(Class<?> c) {
    String name = names.get(c);
    if (name == null) {
      name = c.getSimpleName();
      for (int i = 2; names.containsValue(name); ++i) name = c.getSimpleName() + i;
      names.put(c, name);
      Map<String, Object> properties = new LinkedHashMap<>();
      List<Object> required = new ArrayList<>();
      RecordComponent[] components = c.getRecordComponents();
      AnnotatedElement[] said = Element.of(c);
      for (int i = 0; i < components.length; ++i) {
        String member = Records.nameOf(components[i], said[i]);
        properties.put(member, of(components[i].getAnnotatedType(), said[i]));
        if (!optional(components[i].getGenericType(), said[i], components[i].getAnnotatedType()) && defaultOf(said[i]) == NONE) required.add(member);
      }
      Map<String, Object> schema = map("type", "object", "properties", properties);
      if (!required.isEmpty()) schema.put("required", required);
      if (c.isAnnotationPresent(dev.spikard.validation.Closed.class)) schema.put("additionalProperties", false);
      Description description = c.getAnnotation(Description.class);
      if (description != null) schema.put("description", description.value());
      definitions.put(name, schema);
    }
    return map("$ref", "#/$defs/" + name);
  }

  private static void constrain(Map<String, Object> out, Annotation one, Map<String, Object> schema) {
    String kind = one.annotationType().getSimpleName();
    boolean array = "array".equals(schema.get("type"));
    boolean object = "object".equals(schema.get("type")) || schema.containsKey("$ref");
    String min = array ? "minItems" : object ? "minProperties" : "minLength";
    String max = array ? "maxItems" : object ? "maxProperties" : "maxLength";
    switch (kind) {
      case "Size" -> {
        int from = (int) member(one, "min");
        int to = (int) member(one, "max");
        if (from > 0) out.put(min, (long) from);
        if (to != Integer.MAX_VALUE) out.put(max, (long) to);
      }
      case "Min" -> out.put("minimum", member(one, "value"));
      case "Max" -> out.put("maximum", member(one, "value"));
      case "DecimalMin" -> out.put((boolean) member(one, "inclusive") ? "minimum" : "exclusiveMinimum", new BigDecimal((String) member(one, "value")));
      case "DecimalMax" -> out.put((boolean) member(one, "inclusive") ? "maximum" : "exclusiveMaximum", new BigDecimal((String) member(one, "value")));
      case "Positive" -> out.put("exclusiveMinimum", 0L);
      case "PositiveOrZero" -> out.put("minimum", 0L);
      case "Negative" -> out.put("exclusiveMaximum", 0L);
      case "NegativeOrZero" -> out.put("maximum", 0L);
      case "Pattern" -> out.put("pattern", member(one, "regexp"));
      case "Email" -> out.put("format", "email");
      case "NotEmpty" -> out.put(min, 1L);
      case "NotBlank" -> out.put("pattern", "\\S");
      case "Format" -> out.put("format", member(one, "value"));
      case "UniqueItems" -> out.put("uniqueItems", true);
      case "MultipleOf" -> out.put("multipleOf", new BigDecimal((String) member(one, "value")));
      case "Description" -> out.put("description", member(one, "value"));
      default -> {
      }
    }
  }

  private static Object member(Annotation one, String name) {
    try {
      return one.annotationType().getMethod(name).invoke(one);
    } catch (ReflectiveOperationException error) {
      throw new IllegalArgumentException(one + " has no " + name, error);
    }
  }

  private static Map<String, Object> map(Object... pairs) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) out.put((String) pairs[i], pairs[i + 1]);
    return out;
  }
}
