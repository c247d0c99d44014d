import dev.spikard.TestApp
import java.util.concurrent.Callable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class HelloTest {
  private fun quiet() = app().config(mapOf("log" to mapOf("level" to "off")))

  @Test
  fun `records are data classes, and what is said at them is checked`() {
    TestApp.of(quiet()).start().use { test ->
      val client = test.client()
      val made = client.post("/orders", mapOf("customer" to "Ada", "quantity" to 2))
      assertEquals(201, made.status(), made.text())
      assertEquals(Order(1, "Ada", 2, null), made.json(Order::class.java))
      assertEquals(Order(1, "Ada", 2, null), client.get("/orders/1").json(Order::class.java))
      assertEquals(404, client.get("/orders/2").status())
      val wrong = client.post("/orders", mapOf("customer" to "", "quantity" to 0))
      assertEquals(422, wrong.status())
      assertEquals(2, ((wrong.json() as Map<*, *>)["errors"] as List<*>).size, wrong.text())
    }
  }

  @Test
  fun `lambdas and coroutines are handlers`() {
    TestApp.of(quiet()).start().use { test ->
      val client = test.client()
      assertEquals("hello Ada", client.get("/hello/Ada").text())
      assertEquals("{\"visits\":1}", client.get("/visits").text())
      assertEquals("{\"visits\":2}", client.get("/visits").text())
    }
  }

  @Test
  fun `code runs inside the application`() {
    val app = quiet()
    val cache = app.cache()
    TestApp.of(app).start().use { test ->
      assertEquals("v", test.run(Callable { cache.set("k", "v"); String(cache["k"]) }))
    }
  }
}
