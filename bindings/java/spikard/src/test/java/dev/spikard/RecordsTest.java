package dev.spikard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.spikard.annotation.Body;
import dev.spikard.annotation.Cookie;
import dev.spikard.annotation.Get;
import dev.spikard.annotation.Header;
import dev.spikard.annotation.Post;
import dev.spikard.annotation.Query;
import dev.spikard.internal.Json;
import dev.spikard.validation.Closed;
import dev.spikard.validation.Default;
import dev.spikard.validation.DecimalMin;
import dev.spikard.validation.Email;
import dev.spikard.validation.Max;
import dev.spikard.validation.Min;
import dev.spikard.validation.Name;
import dev.spikard.validation.NotBlank;
import dev.spikard.validation.Nullable;
import dev.spikard.validation.Pattern;
import dev.spikard.validation.Size;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Types of Java over the wire and back, and what is refused of them. */
class RecordsTest {
  enum Size2 { @Name("s") SMALL, LARGE }

  record Point(double x, double y) {}

  record All(boolean flag, int whole, long big, BigInteger huge, BigDecimal exact, double real, String text, UUID id, Instant at, LocalDate day, Duration span, Size2 size, Optional<String> maybe,
      @Nullable Point point, List<Point> points, Map<String, List<Integer>> table, Set<String> tags, int[] numbers, @Name("snake_name") String renamed, @Default("7") int preset, Object any) {}

  private static final Map<String, Object> SENT = new LinkedHashMap<>();

  static {
    SENT.put("flag", true);
    SENT.put("whole", -5);
    SENT.put("big", Long.MAX_VALUE);
    SENT.put("huge", new BigInteger("123456789012345678901234567890"));
    SENT.put("exact", new BigDecimal("1.5"));
    SENT.put("real", 0.25);
    SENT.put("text", "\u00e4\ud83d\ude00");
    SENT.put("id", "00000000-0000-0000-0000-000000000001");
    SENT.put("at", "2026-01-02T03:04:05Z");
    SENT.put("day", "2026-01-02");
    SENT.put("span", "PT90S");
    SENT.put("size", "s");
    SENT.put("point", null);
    SENT.put("points", List.of(Map.of("x", 1, "y", 2.5)));
    SENT.put("table", Map.of("a", List.of(1, 2)));
    SENT.put("tags", List.of("x", "y"));
    SENT.put("numbers", List.of(1, 2, 3));
    SENT.put("snake_name", "n");
    SENT.put("any", List.of(1, "two"));
  }

  @Closed
  record Strict(@NotBlank @Size(max = 3) String name, @Email String mail, @Min(1) @Max(5) int stars, @DecimalMin(value = "0", inclusive = false) double price, @Pattern(regexp = "^[a-z]+$") @Nullable String code,
      @Size(min = 1) List<@Size(min = 2) String> words) {}

  static final class Routes {
    private All seen;

    @Post("/all")
    All all(@Body All all) {
      seen = all;
      return all;
    }

    @Post("/strict")
    String strict(@Body Strict strict) {
      return strict.name();
    }

    @Get("/where/{day}")
    List<Object> where(LocalDate day, @Query List<Integer> n, @Query @Nullable Size2 size, @Header String xToken, @Cookie @Default("none") String session) {
      return Arrays.asList(day, n, size, xToken, session);
    }
  }

  private static App quiet(Object routes) {
    return new App("test").config(Map.of("log", Map.of("level", "off"))).controllers(routes);
  }

  @Test
  void everyTypeComesAndGoes() {
    Routes routes = new Routes();
    try (TestServer server = TestServer.start(quiet(routes))) {
      TestClient client = new TestClient(server.url());
      TestClient.Answer answer = client.post("/all", SENT);
      assertEquals(200, answer.status(), answer.text());
      All all = routes.seen;
      assertEquals(new BigInteger("123456789012345678901234567890"), all.huge());
      assertEquals(new BigDecimal("1.5"), all.exact());
      assertEquals(Long.MAX_VALUE, all.big());
      assertEquals(UUID.fromString("00000000-0000-0000-0000-000000000001"), all.id());
      assertEquals(Instant.parse("2026-01-02T03:04:05Z"), all.at());
      assertEquals(Duration.ofSeconds(90), all.span());
      assertEquals(Size2.SMALL, all.size());
      assertEquals(Optional.empty(), all.maybe());
      assertEquals(List.of(new Point(1, 2.5)), all.points());
      assertEquals(Map.of("a", List.of(1, 2)), all.table());
      assertEquals(Set.of("x", "y"), all.tags());
      assertEquals(7, all.preset());
      Map<String, Object> wanted = new LinkedHashMap<>();
      SENT.forEach(wanted::put);
      wanted.put("maybe", null);
      wanted.put("preset", 7);
      wanted.put("span", "PT1M30S"); // as Java writes it
      Map<String, Object> got = new LinkedHashMap<>();
      ((Map<?, ?>) answer.json()).forEach((name, value) -> got.put((String) name, value));
      wanted.put("points", List.of(Map.of("x", 1.0, "y", 2.5)));
      assertEquals(Json.parse(Json.write(wanted)), got);
    }
  }

  @Test
  void everyViolationIsNamed() {
    try (TestServer server = TestServer.start(quiet(new Routes()))) {
      TestClient client = new TestClient(server.url());
      assertEquals(200, client.post("/strict", Map.of("name", "a", "mail", "a@b.de", "stars", 5, "price", 0.1, "words", List.of("ab"))).status());
      TestClient.Answer wrong = client.post("/strict", Map.of("name", "    ", "mail", "no", "stars", 6, "price", 0, "code", "X", "words", List.of("a"), "more", 1));
      assertEquals(422, wrong.status());
      List<?> errors = (List<?>) ((Map<?, ?>) wrong.json()).get("errors");
      Set<Object> places = new java.util.TreeSet<>(errors.stream().map(error -> ((List<?>) ((Map<?, ?>) error).get("loc")).get(1).toString()).toList());
      assertEquals(Set.of("name", "mail", "stars", "price", "code", "words", "more"), places, wrong.text());
      TestClient.Answer none = client.post("/strict", Map.of());
      assertEquals(5, ((List<?>) ((Map<?, ?>) none.json()).get("errors")).size(), none.text());
    }
  }

  @Test
  void parametersComeFromEverywhere() {
    try (TestServer server = TestServer.start(quiet(new Routes()))) {
      TestClient client = new TestClient(server.url());
      assertEquals("[\"2026-01-02\",[1,2],\"LARGE\",\"t\",\"none\"]", client.send("GET", "/where/2026-01-02?n=1&n=2&size=LARGE", null, b -> b.header("x-token", "t")).text());
      assertEquals("[\"2026-01-02\",[1],null,\"t\",\"c\"]", client.send("GET", "/where/2026-01-02?n=1", null, b -> b.header("x-token", "t").header("cookie", "session=c")).text());
      TestClient.Answer wrong = client.get("/where/yesterday?n=x&size=MEDIUM");
      assertEquals(422, wrong.status());
      assertEquals(4, ((List<?>) ((Map<?, ?>) wrong.json()).get("errors")).size(), wrong.text());
    }
  }

  static final class Nameless {
    @Get("/{a}")
    String nothing(String b) {
      return b;
    }
  }

  static final class TwoBodies {
    @Post("/")
    String both(@Body Point a, @Body Point b) {
      return "";
    }
  }

  static final class NoSchema {
    @Post("/")
    String thread(@Body Thread a) {
      return "";
    }
  }

  @Test
  void whatIsWrongNamesTheMethod() {
    for (Object routes : List.of(new Nameless(), new TwoBodies(), new NoSchema())) {
      RuntimeException error = assertThrows(RuntimeException.class, () -> quiet(routes));
      assertTrue(error.getMessage().contains("nothing") || error.getMessage().contains("both") || error.getMessage().contains("Thread"), error.getMessage());
    }
  }
}
