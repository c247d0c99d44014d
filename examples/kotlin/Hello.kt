import dev.spikard.App
import dev.spikard.Json
import dev.spikard.Problem
import dev.spikard.annotation.Body
import dev.spikard.annotation.Get
import dev.spikard.annotation.Post
import dev.spikard.annotation.RoutePrefix
import dev.spikard.validation.Min
import dev.spikard.validation.Nullable
import dev.spikard.validation.Size
import kotlin.system.exitProcess
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.future.await
import kotlinx.coroutines.future.future

@JvmRecord
data class NewOrder(@Size(min = 1) val customer: String, @Min(1) val quantity: Int, @Nullable val note: String?)

@JvmRecord
data class Order(val id: Long, val customer: String, val quantity: Int, @Nullable val note: String?)

@RoutePrefix("/orders")
class Orders(app: App) {
  private val cache = app.cache()

  @Post("", status = 201)
  fun create(@Body order: NewOrder): Order {
    val made = Order(cache.increment("orders"), order.customer, order.quantity, order.note)
    cache.set("order:${made.id}", Json.write(made))
    return made
  }

  @Get("/{id:int}")
  fun read(id: Long): Order = Json.read(cache["order:$id"] ?: throw Problem(404).detail("No order $id"), Order::class.java)
}

fun app(): App = App("hello").apply {
  val cache = cache()
  val coroutines = CoroutineScope(Dispatchers.Unconfined)
  get("/hello/{name}") { "hello " + it.pathText("name") }
  // A coroutine on the loop's own thread: it suspends, and never blocks.
  get("/visits") { coroutines.future { mapOf("visits" to cache.incrementAsync("visits").await()) } }.nonBlocking()
  controllers(Orders(this))
}

fun main() {
  exitProcess(app().run())
}
