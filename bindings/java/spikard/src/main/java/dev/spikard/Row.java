package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.AbstractMap;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/** A row: its columns by name, in their order, in Java's types. */
public final class Row extends AbstractMap<String, Object> {
  private final Map<String, Object> columns;

  Row(Map<String, Object> columns) {
    this.columns = columns;
  }

  @Override
  public Set<Entry<String, Object>> entrySet() {
    return Collections.unmodifiableMap(columns).entrySet();
  }

  @Override
  public Object get(Object column) {
    Object value = columns.get(column);
    if (value == null && !columns.containsKey(column)) throw new IllegalArgumentException("there is no column '" + column + "'; those of the row: " + columns.keySet());
    return value;
  }

  private <T> T as(String column, Class<T> type) {
    Object value = get(column);
    if (value == null || type.isInstance(value)) return type.cast(value);
    return type.cast(Mapper.of(type).read(Json.nodesOf(value)));
  }

  public String getString(String column) {
    return as(column, String.class);
  }

  /** Null is a NullPointerException when it is unboxed. */
  public Long getLong(String column) {
    return as(column, Long.class);
  }

  public Double getDouble(String column) {
    return as(column, Double.class);
  }

  public Boolean getBoolean(String column) {
    return as(column, Boolean.class);
  }

  public BigDecimal getDecimal(String column) {
    return as(column, BigDecimal.class);
  }

  public Instant getInstant(String column) {
    return as(column, Instant.class);
  }

  public byte[] getBytes(String column) {
    return as(column, byte[].class);
  }

  /** The row as a record whose components are named as its columns. */
  public <T> T as(Class<T> type) {
    return type.cast(Mapper.of(type).read(Json.nodesOf(columns)));
  }
}
