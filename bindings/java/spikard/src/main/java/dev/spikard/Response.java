package dev.spikard;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An answer with a status, headers and a body. */
public class Response {
  enum Form { EMPTY, BYTES, TEXT, JSON }

  private final Form form;
  private final Object content;
  private int status = 200;
  private String mediaType;
  private final List<Map.Entry<String, String>> headers = new ArrayList<>();
  private List<Work.Job> background;

  Response(Form form, Object content) {
    this.form = form;
    this.content = content;
  }

  /** 200 without a body. */
  public static Response empty() {
    return new Response(Form.EMPTY, null);
  }

  public static Response text(String text) {
    return new Response(Form.TEXT, text);
  }

  /** application/octet-stream unless a media type is given. */
  public static Response bytes(byte[] bytes) {
    return new Response(Form.BYTES, bytes);
  }

  /** Any value as JSON, null and texts included. */
  public static Response json(Object value) {
    return new Response(Form.JSON, value);
  }

  /** As a handler's return value: text as text, bytes as bytes, null as no body, everything else as JSON. */
  public static Response of(Object value) {
    if (value instanceof Response response) return response;
    if (value == null) return empty();
    if (value instanceof byte[] bytes) return bytes(bytes);
    return value instanceof CharSequence text ? text(text.toString()) : json(value);
  }

  public Response status(int status) {
    if (status < 100 || status > 999) throw new IllegalArgumentException(status + " is no HTTP status");
    this.status = status;
    return this;
  }

  public Response mediaType(String mediaType) {
    this.mediaType = mediaType;
    return this;
  }

  /** Adds a header line. */
  public Response header(String name, String value) {
    headers.add(Map.entry(name, value));
    return this;
  }

  /** Adds a Set-Cookie line (RFC 6265). */
  public Response cookie(Cookie cookie) {
    return header("set-cookie", cookie.toString());
  }

  /** Runs something after this answer. The drain waits for it; it is not durable. */
  public Response background(Runnable job) {
    if (background == null) background = new ArrayList<>();
    background.add(new Work.Job(job, false));
    return this;
  }

  public int status() {
    return status;
  }

  Form form() {
    return form;
  }

  Object content() {
    return content;
  }

  List<Work.Job> jobs() {
    return background;
  }

  /** With the media type as a Content-Type, unless one was given. */
  List<Map.Entry<String, String>> headerLines() {
    if (mediaType == null) return headers;
    for (Map.Entry<String, String> line : headers) {
      if (line.getKey().equalsIgnoreCase("content-type")) return headers;
    }
    List<Map.Entry<String, String>> lines = new ArrayList<>(headers);
    lines.add(Map.entry("content-type", mediaType));
    return lines;
  }

  /** A cookie to set. */
  public static final class Cookie {
    private final StringBuilder line;

    public Cookie(String name, String value) {
      line = new StringBuilder(name).append('=').append(value);
    }

    public Cookie maxAge(Duration age) {
      line.append("; Max-Age=").append(age.getSeconds());
      return this;
    }

    public Cookie domain(String domain) {
      line.append("; Domain=").append(domain);
      return this;
    }

    public Cookie path(String path) {
      line.append("; Path=").append(path);
      return this;
    }

    /** Lax, Strict or None. */
    public Cookie sameSite(String policy) {
      line.append("; SameSite=").append(policy.substring(0, 1).toUpperCase(java.util.Locale.ROOT)).append(policy.substring(1).toLowerCase(java.util.Locale.ROOT));
      return this;
    }

    public Cookie secure() {
      line.append("; Secure");
      return this;
    }

    public Cookie httpOnly() {
      line.append("; HttpOnly");
      return this;
    }

    @Override
    public String toString() {
      return line.toString();
    }
  }
}
