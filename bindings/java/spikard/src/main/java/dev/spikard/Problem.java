package dev.spikard;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * An RFC 9457 problem document, thrown or given as an answer. Members that are not given are filled in from the status; {@link #exactly} fills in nothing.
 *
 * <pre>{@code throw new Problem(404).detail("No order 7");}</pre>
 */
public final class Problem extends SpikardException {
  private static final long serialVersionUID = 1;
  static final String BASE = "https://spikard.dev/problems/";
  private static final Map<Integer, String> TITLES = Map.ofEntries(Map.entry(400, "Bad Request"), Map.entry(401, "Unauthorized"), Map.entry(402, "Payment Required"), Map.entry(403, "Forbidden"),
      Map.entry(404, "Not Found"), Map.entry(405, "Method Not Allowed"), Map.entry(406, "Not Acceptable"), Map.entry(408, "Request Timeout"), Map.entry(409, "Conflict"), Map.entry(410, "Gone"),
      Map.entry(412, "Precondition Failed"), Map.entry(413, "Payload Too Large"), Map.entry(415, "Unsupported Media Type"), Map.entry(422, "Unprocessable Content"), Map.entry(423, "Locked"),
      Map.entry(425, "Too Early"), Map.entry(428, "Precondition Required"), Map.entry(429, "Too Many Requests"), Map.entry(451, "Unavailable For Legal Reasons"),
      Map.entry(500, "Internal Server Error"), Map.entry(501, "Not Implemented"), Map.entry(502, "Bad Gateway"), Map.entry(503, "Service Unavailable"), Map.entry(504, "Gateway Timeout"));

  private final int status;
  private final transient Map<String, Object> document;
  private final transient List<Map.Entry<String, String>> headers = new ArrayList<>();
  private final boolean exact;

  public Problem(int status) {
    this(status, TITLES.getOrDefault(status, "Error"));
  }

  public Problem(int status, String title) {
    super(status + " " + title);
    this.status = status;
    this.exact = false;
    document = new LinkedHashMap<>();
    document.put("type", TITLES.getOrDefault(status, title).toLowerCase(Locale.ROOT).replace(' ', '-'));
    document.put("title", title);
    document.put("status", status);
  }

  private Problem(Map<String, ?> members) {
    super(String.valueOf(members.get("title")));
    status = members.get("status") instanceof Number number ? number.intValue() : 500;
    exact = true;
    document = new LinkedHashMap<>(members);
  }

  /** A problem with these members and no others. */
  public static Problem exactly(Map<String, ?> members) {
    return new Problem(members);
  }

  public int status() {
    return status;
  }

  /** The members, in their order. */
  public Map<String, Object> document() {
    return java.util.Collections.unmodifiableMap(document);
  }

  public Problem detail(String detail) {
    return with("detail", detail);
  }

  /** A URI, or without a colon the last segment of one below the application's {@code problem_base}. */
  public Problem type(String type) {
    return with("type", type);
  }

  public Problem instance(String instance) {
    return with("instance", instance);
  }

  /** A member of one's own. */
  public Problem with(String name, Object value) {
    document.put(name, value);
    return this;
  }

  public Problem header(String name, String value) {
    headers.add(Map.entry(name, value));
    return this;
  }

  @Override
  public String getMessage() {
    Object detail = document == null ? null : document.get("detail");
    return detail == null ? super.getMessage() : super.getMessage() + ": " + detail;
  }

  Response toResponse(String base) {
    Map<String, Object> members = document;
    if (!exact && document.get("type") instanceof String kind && !kind.contains(":")) {
      members = new LinkedHashMap<>(document);
      members.put("type", base + kind);
    }
    Response response = Response.json(members).status(status).mediaType("application/problem+json");
    headers.forEach(pair -> response.header(pair.getKey(), pair.getValue()));
    return response;
  }
}
