package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An event (CloudEvents 1.0): its attributes and data. */
public final class CloudEvent implements PlainData {
  private static final List<String> ATTRIBUTES = List.of("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema");
  private final Map<String, Object> members;

  private CloudEvent(Map<String, Object> members) {
    this.members = members;
  }

  /** An event to be; the id may be left to the core. */
  public CloudEvent(String type, String source) {
    this(new LinkedHashMap<>());
    members.put("specversion", "1.0");
    members.put("type", type);
    members.put("source", source);
  }

  /** From the JSON format; {@code data_base64} is bytes as data. */
  public static CloudEvent of(Map<String, ?> event) {
    Map<String, Object> members = new LinkedHashMap<>(event);
    if (members.remove("data_base64") instanceof String base64) members.put("data", Base64.getDecoder().decode(base64));
    return new CloudEvent(members);
  }

  private String text(String name) {
    return members.get(name) instanceof String text ? text : null;
  }

  public String id() {
    return text("id");
  }

  public String source() {
    return text("source");
  }

  public String type() {
    return text("type");
  }

  public String subject() {
    return text("subject");
  }

  public String time() {
    return text("time");
  }

  public String dataContentType() {
    return text("datacontenttype");
  }

  public String dataSchema() {
    return text("dataschema");
  }

  /** Any attribute, extensions included; null when there is none. */
  public Object attribute(String name) {
    return members.get(name);
  }

  /** All attributes that the specification does not name. */
  public Map<String, Object> extensions() {
    Map<String, Object> out = new LinkedHashMap<>(members);
    out.keySet().removeAll(ATTRIBUTES);
    out.remove("data");
    return out;
  }

  /** Bytes, or JSON; null for none. */
  public Object data() {
    return members.get("data");
  }

  /** Tells data that is null from none at all. */
  public boolean hasData() {
    return members.containsKey("data");
  }

  /** The data as a record, or another type read from JSON. */
  @SuppressWarnings("unchecked")
  public <T> T data(Class<T> type) {
    Object data = data();
    if (data == null || type.isInstance(data)) return (T) data;
    return (T) Mapper.of(type).read(data instanceof byte[] bytes ? Json.nodes(bytes) : Json.nodesOf(data));
  }

  /** The same event with one attribute more. */
  public CloudEvent with(String attribute, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(members);
    more.put(attribute, value);
    return new CloudEvent(more);
  }

  public CloudEvent withId(String id) {
    return with("id", id);
  }

  public CloudEvent withSubject(String subject) {
    return with("subject", subject);
  }

  /** Bytes stay bytes; anything else is JSON. */
  public CloudEvent withData(Object data) {
    return with("data", data);
  }

  /** The JSON format; bytes stay bytes as {@code data}. */
  public Map<String, Object> toMap() {
    return new LinkedHashMap<>(members);
  }

  @Override
  public Map<String, Object> plain() {
    return members;
  }

  @Override
  public String toString() {
    return "CloudEvent" + members;
  }
}
