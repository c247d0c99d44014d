#include <spikard/spikard.hpp>

using namespace spikard;

int main() {
  App app;
  app.manifest().services.storage["default"].url = "memory:";  // file:data/objects keeps them

  // The body goes to the store as it comes, of any size; the answer comes from there, with ranges and conditions.
  app.put("/files/{key:path}", [](Path<"key"> key, BodyStream) -> Task<StoreBody> {
    StoreBody object;
    object.key = *key;
    co_return object;
  });
  app.get("/files/{key:path}", [](Path<"key"> key) {
    StoredObject object;
    object.key = *key;
    return object;
  });

  // A handler's own objects: written once, never over another.
  app.post("/notes/{name}", [](Path<"name"> name, RawBody body, Context& ctx) -> Task<Result<std::string>> {
    storage::WriteOptions options;
    options.content_type = "text/plain";
    options.metadata["author"] = "me";
    options.conditions.if_none_match = "*";
    const auto written = co_await ctx.storage().write(ctx, "notes/" + *name, std::string(body.value), options);
    if (!written.ok()) co_return written.error();
    co_return "written: " + std::to_string(written->size) + " bytes";
  });

  // One page after the other, in the order of keys.
  app.get("/notes", [](Context& ctx) -> Task<Result<std::string>> {
    std::string names;
    storage::ListOptions options;
    options.prefix = "notes/";
    do {
      const auto page = co_await ctx.storage().list(ctx, options);
      if (!page.ok()) co_return page.error();
      for (const auto& entry : page->entries) names += entry.key.substr(6) + " ";
      options.token = page->next;
    } while (options.token.has_value());
    co_return names;
  });

  // A link that works for a minute, for whoever has it.
  app.get("/notes/{name}/link", [](Path<"name"> name, Context& ctx) -> Task<Result<std::string>> {
    const auto link = co_await ctx.storage().presign(ctx, storage::PresignMethod::get, "notes/" + *name, 60);
    if (!link.ok()) co_return link.error();
    co_return link->url;
  });

  // What is too large for one request goes in parts, past this service: a line for each part, where others put it. First the
  // plan's token, with which they say that all of them are there.
  app.post("/uploads/{name}", [](Path<"name"> name, Query<"size", std::int64_t> size, Context& ctx) -> Task<Result<std::string>> {
    storage::UploadOptions options;
    options.size = static_cast<std::uint64_t>(*size);
    options.write.conditions.if_none_match = "*";
    const auto plan = co_await ctx.storage().plan_upload(ctx, "uploads/" + *name, options);
    if (!plan.ok()) co_return plan.error();
    std::string lines = plan->upload + "\n";
    for (const auto& part : plan->parts) lines += part.url + "\n";
    co_return lines;
  });
  app.post("/uploads/{name}/done", [](Path<"name"> name, RawBody token, Context& ctx) -> Task<Result<std::string>> {
    const auto made = co_await ctx.storage().complete_upload(ctx, "uploads/" + *name, std::string(token.value));
    if (!made.ok()) co_return made.error();
    co_return "uploaded: " + std::to_string(made->size) + " bytes";
  });
  return app.run();
}
