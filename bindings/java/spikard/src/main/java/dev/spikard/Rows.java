package dev.spikard;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** The rows of a query, with the names and types of its columns. */
public final class Rows extends AbstractList<Row> {
  private final List<Row> rows;
  private final List<String> columns;
  private final List<String> types;

  Rows(List<Row> rows, List<String> columns, List<String> types) {
    this.rows = rows;
    this.columns = columns;
    this.types = types;
  }

  @Override
  public Row get(int index) {
    return rows.get(index);
  }

  @Override
  public int size() {
    return rows.size();
  }

  public List<String> columns() {
    return columns;
  }

  /** As the database calls them: integer, text, decimal, timestamp, ... */
  public List<String> types() {
    return types;
  }

  /** Each row as a record. */
  public <T> List<T> as(Class<T> type) {
    List<T> out = new ArrayList<>(rows.size());
    for (Row row : rows) out.add(row.as(type));
    return out;
  }

  static Rows of(Object rows, List<String> columns, List<String> types) {
    List<Row> out = new ArrayList<>();
    for (Object row : (List<?>) rows) out.add(row(row, columns, types));
    return new Rows(out, columns, types);
  }

  /** Decimals, instants, dates, times and UUIDs as Java's own. */
  @SuppressWarnings("unchecked")
  static Row row(Object row, Iterable<String> columns, List<String> types) {
    Map<String, Object> map = (Map<String, Object>) row;
    int i = 0;
    for (String column : columns) {
      String type = i < types.size() ? types.get(i) : "";
      ++i;
      Object value = map.get(column);
      if (value == null) continue;
      Object own = own(type, value);
      if (own != value) map.put(column, own);
    }
    return new Row(map);
  }

  private static Object own(String type, Object value) {
    try {
      switch (type) {
        case "decimal":
          return value instanceof BigDecimal ? value : new BigDecimal(value.toString());
        case "timestamp": {
          if (!(value instanceof String text)) return value;
          boolean zoned = text.endsWith("Z") || text.indexOf('+', 10) > 0 || text.indexOf('-', 10) > 0;
          if (zoned) return OffsetDateTime.parse(text.replace(' ', 'T')).toInstant();
          return LocalDateTime.parse(text.replace(' ', 'T'));
        }
        case "date":
          return value instanceof String text ? LocalDate.parse(text) : value;
        case "time":
          return value instanceof String text ? LocalTime.parse(text) : value;
        case "uuid":
          return value instanceof String text ? UUID.fromString(text) : value;
        default:
          return value;
      }
    } catch (java.time.DateTimeException other) {
      return value; // infinity and years that Java does not write this way stay text
    }
  }
}
