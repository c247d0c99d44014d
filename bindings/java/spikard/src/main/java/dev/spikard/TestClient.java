package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** An HTTP client for tests, over the JDK's. Keeps no cookies and follows no redirects. */
public final class TestClient {
  private final String url;
  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(30)).build();

  /** url: {@link TestServer#url}. */
  public TestClient(String url) {
    this.url = url;
  }

  /** An answer, read to its end. */
  public record Answer(int status, Map<String, List<String>> headers, byte[] body) {
    public String text() {
      return new String(body, StandardCharsets.UTF_8);
    }

    /** null, Boolean, Long, Double, String, List or Map. */
    public Object json() {
      return Json.parse(body);
    }

    public <T> T json(Class<T> type) {
      return type.cast(Mapper.of(type).read(Json.nodes(body)));
    }

    /** Lines of it joined with ", "; null when there is none. */
    public String header(String name) {
      List<String> found = new ArrayList<>();
      headers.forEach((key, values) -> {
        if (key.equalsIgnoreCase(name)) found.addAll(values);
      });
      return found.isEmpty() ? null : String.join(", ", found);
    }
  }

  private HttpRequest request(String method, String target, byte[] body, Consumer<HttpRequest.Builder> more) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(url + target)).timeout(Duration.ofSeconds(30));
    builder.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(body));
    if (more != null) more.accept(builder);
    return builder.build();
  }

  /** Sends a request; `more` sets headers and the like. */
  public Answer send(String method, String target, byte[] body, Consumer<HttpRequest.Builder> more) {
    try {
      HttpResponse<byte[]> response = http.send(request(method, target, body, more), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response.statusCode(), response.headers().map(), response.body());
    } catch (IOException error) {
      throw new SpikardException(method + " " + target + ": " + error.getMessage(), error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new CancelledException(CancelReason.REQUESTED);
    }
  }

  /** A request whose answer is read as it comes; closing the stream drops the connection. */
  public HttpResponse<InputStream> stream(String method, String target, byte[] body, Consumer<HttpRequest.Builder> more) throws IOException, InterruptedException {
    return http.send(request(method, target, body, more), HttpResponse.BodyHandlers.ofInputStream());
  }

  public Answer get(String target) {
    return send("GET", target, null, null);
  }

  public Answer delete(String target) {
    return send("DELETE", target, null, null);
  }

  /** With a body of JSON. */
  public Answer post(String target, Object json) {
    return send("POST", target, Json.write(json), builder -> builder.header("content-type", "application/json"));
  }

  public Answer put(String target, Object json) {
    return send("PUT", target, Json.write(json), builder -> builder.header("content-type", "application/json"));
  }

  public Answer patch(String target, Object json) {
    return send("PATCH", target, Json.write(json), builder -> builder.header("content-type", "application/json"));
  }
}
