#include "spikard/rows.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

#include "db/json_rows.hpp"

namespace spikard {
namespace {

constexpr std::size_t part_size = 65536;

/// A stream that is being answered with; its first part is made.
struct Answering {
  std::unique_ptr<db::Stream> stream;
  std::shared_ptr<db::JsonRows> rows;
  bool more = true;
};

Task<Result<void>> next(net::Loop& loop, Answering& of) {
  const db::RowLimits limits(~std::uint64_t{0}, part_size);
  Result<bool> more = co_await of.stream->next(loop, of.rows, limits);
  if (!more.ok()) co_return Result<void>(std::move(more).error());
  of.more = *more;
  if (!of.more) of.rows->finish();
  co_return Result<void>();
}

Task<void> produce(net::Loop& loop, std::shared_ptr<Answering> of, BodyWriter& out) {
  for (;;) {
    std::string part(of->rows->view());
    of->rows->clear();
    Result<void> written = co_await out.write(std::move(part));
    if (!written.ok() || !of->more) co_return;
    Result<void> read = co_await next(loop, *of);
    if (!read.ok()) throw std::runtime_error(read.error().to_string());
  }
}

/// What is wrong with the statement is not the client's fault.
Error ours(Error error) {
  if (error.kind() != ErrorKind::invalid_argument && error.kind() != ErrorKind::unsupported) return error;
  return internal_error(error.to_string());
}

Task<Result<AnyResponse>> answer(net::Caller caller, db::Client& client, std::string sql, Document params, RowsOptions options) {
  using R = Result<AnyResponse>;
  Result<std::unique_ptr<db::Stream>> opened = co_await client.stream(caller, std::move(sql), std::move(params));
  if (!opened.ok()) co_return R(ours(std::move(opened).error()));
  auto of = std::make_shared<Answering>();
  of->stream = std::move(*opened);
  of->rows = std::make_shared<db::JsonRows>(options.ndjson ? db::JsonFormat::ndjson : db::JsonFormat::array);
  of->rows->begin(of->stream->columns());
  Result<void> read = co_await next(*caller.loop, *of);
  if (!read.ok()) co_return R(ours(std::move(read).error()));
  const std::string media_type = options.ndjson ? "application/x-ndjson" : "application/json";
  if (!of->more) {
    Response whole = Response::bytes(std::string(of->rows->view()), media_type, options.status);
    for (auto& header : options.headers) whole.headers.push_back(std::move(header));
    co_return R(AnyResponse(std::move(whole)));
  }
  StreamingResponse streamed;
  streamed.produce = [of, loop = caller.loop](BodyWriter& out) { return produce(*loop, of, out); };
  streamed.media_type = media_type;
  streamed.status = options.status;
  streamed.headers = std::move(options.headers);
  co_return R(AnyResponse(std::move(streamed)));
}

}  // namespace

Task<Result<AnyResponse>> rows(const Context& context, std::string sql, Document params, RowsOptions options) {
  db::Client& client = context.db(options.client);
  return answer(context, client, std::move(sql), std::move(params), std::move(options));
}

}  // namespace spikard
