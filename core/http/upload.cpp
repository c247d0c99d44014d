#include "http/upload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "http/media_type.hpp"
#include "http/urlencoded.hpp"

namespace spikard::http::detail {
namespace {

constexpr std::size_t sniffed_bytes = 16;

std::string utf8(std::string_view text) {
  const std::size_t size = max_decoded(text.size());
  const auto memory = std::make_unique_for_overwrite<char[]>(size);
  TextRoom room{memory.get(), memory.get() + size};
  return std::string(utf8_text(text, room));
}

}  // namespace

Spool::Spool(net::Loop& loop, net::BlockingPool* pool, std::string directory)
    : loop_(loop.mailbox()), pool_(pool), directory_(std::move(directory)) {}

Spool::~Spool() { remove(); }

std::uint32_t Spool::add() {
  // A job runs only while nothing is appended: reading stops for it.
  files_.emplace_back();
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void Spool::append(std::uint32_t file, std::string bytes) { jobs_.push_back({file, std::move(bytes), false}); }
void Spool::finish(std::uint32_t file) { jobs_.push_back({file, {}, true}); }

void Spool::start() {
  if (running_ || jobs_.empty()) return;
  if (pool_ != nullptr) {
    running_ = true;
    auto jobs = std::make_shared<std::vector<Job>>(std::move(jobs_));
    jobs_.clear();
    auto taken = pool_->run([self = shared_from_this(), jobs] {
      self->work(*jobs);
      // The last reference may go with the post: on the loop, or here when the loop is gone.
      const std::shared_ptr<net::Loop::Mailbox> loop = self->loop_;
      loop->post([self] { self->ended(); });
    });
    if (taken.ok()) return;
    running_ = false;
    jobs_ = std::move(*jobs);
  }
  work(jobs_);
  jobs_.clear();
}

void Spool::ended() {
  running_ = false;
  if (abandoned_) return abandon();
  if (!jobs_.empty()) return start();
  if (done) done();
}

void Spool::work(std::vector<Job>& jobs) {
  const auto failed = [&](const char* what) {
    if (error_.empty()) error_ = std::string(what) + " in " + directory_ + ": " + std::strerror(errno);
  };
  for (Job& job : jobs) {
    File& file = files_[job.file];
    if (!error_.empty()) break;
    if (file.path.empty()) {
      std::string path = directory_ + "/spikard-upload-XXXXXX";
      file.fd = ::mkostemp(path.data(), O_CLOEXEC);
      if (file.fd < 0) {
        failed("cannot make a temporary file");
        break;
      }
      file.path = std::move(path);
    }
    for (std::string_view rest = job.bytes; !rest.empty();) {
      const ssize_t put = ::write(file.fd, rest.data(), rest.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        failed("cannot write a temporary file");
        break;
      }
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
    if (job.last && file.fd >= 0) ::close(std::exchange(file.fd, -1));
  }
}

void Spool::remove() noexcept {
  for (File& file : files_) {
    if (file.fd >= 0) ::close(std::exchange(file.fd, -1));
    if (!file.path.empty()) ::unlink(file.path.c_str());  // a handler may have moved it away
    file.path.clear();
  }
}

void Spool::abandon() {
  abandoned_ = true;
  done = nullptr;
  jobs_.clear();
  if (running_) return;
  // Where no thread of the pool can do it, the last reference does.
  if (pool_ != nullptr && !files_.empty()) (void)pool_->run([self = shared_from_this()] { self->remove(); });
}

Upload::Upload(const RoutePlan& route, const services::Multipart& config, std::string_view boundary, net::Loop& loop,
               net::BlockingPool* pool)
    : route_(route), config_(config), loop_(loop), pool_(pool), parser_(boundary, {config.parts, config.header_bytes}, *this) {}

Upload::~Upload() {
  if (spool_ != nullptr) spool_->abandon();
}

bool Upload::take(std::string_view bytes) {
  if (failure_ == nullptr && !parser_.push(bytes) && failure_ == nullptr) {
    failure_ = parser_.too_large() ? &problems::payload_too_large : &problems::bad_request;
    detail_ = "The body is not valid: ";
    detail_ += parser_.error();
  }
  if (spool_ != nullptr) spool_->start();
  return failure_ != &problems::payload_too_large;
}

void Upload::finish() {
  if (failure_ != nullptr || parser_.finish()) return;
  failure_ = &problems::bad_request;
  detail_ = "The body is not valid: ";
  detail_ += parser_.error();
}

bool Upload::too_large(std::string detail) {
  failure_ = &problems::payload_too_large;
  detail_ = std::move(detail);
  return false;
}

bool Upload::on_part(PartHead&& head) {
  Part part;
  part.file = head.filename.has_value();
  part.head = std::move(head);
  part.plan = route_.find_file(part.head.name);
  if (part.file && part.head.content_type.empty()) part.head.content_type = "application/octet-stream";
  parts_.push_back(std::move(part));
  return true;
}

bool Upload::on_data(std::string_view bytes) {
  Part& part = parts_.back();
  part.size += bytes.size();
  if (!part.file) {
    field_bytes_ += bytes.size();
    if (field_bytes_ > config_.field_bytes)
      return too_large("The text fields are larger than " + std::to_string(config_.field_bytes) + " bytes");
    part.bytes.append(bytes);
    return true;
  }
  const std::optional<std::uint64_t> limit =
      part.plan != nullptr && part.plan->max_bytes ? part.plan->max_bytes : config_.file_bytes;
  if (limit && part.size > *limit) return too_large("A file is larger than " + std::to_string(*limit) + " bytes");
  if (part.spooled < 0) {
    if (bytes.size() <= config_.memory_bytes - memory_) {
      memory_ += bytes.size();
      part.bytes.append(bytes);
      return true;
    }
    if (spool_ == nullptr) {
      spool_ = std::make_shared<Spool>(loop_, pool_, config_.directory);
      spool_->done = [this] {
        if (ready) ready();
      };
    }
    part.spooled = spool_->add();
    memory_ -= part.bytes.size();
    part.first = part.bytes.substr(0, sniffed_bytes);
    if (!part.bytes.empty()) spool_->append(static_cast<std::uint32_t>(part.spooled), std::exchange(part.bytes, {}));
  }
  if (part.first.size() < sniffed_bytes) part.first.append(bytes.substr(0, sniffed_bytes - part.first.size()));
  spool_->append(static_cast<std::uint32_t>(part.spooled), std::string(bytes));
  return true;
}

bool Upload::on_part_end() {
  Part& part = parts_.back();
  if (part.spooled >= 0) spool_->finish(static_cast<std::uint32_t>(part.spooled));
  // What a browser sends for a file input that was left empty.
  if (part.file && part.head.filename->empty() && part.size == 0) parts_.pop_back();
  return true;
}

bool Upload::tree(std::uint32_t max_depth, NodeBuilder& out) {
  std::vector<FormField> fields;
  std::vector<std::string> texts;
  fields.reserve(parts_.size());
  texts.reserve(parts_.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    texts.push_back(part.file ? std::to_string(i) : utf8(part.bytes));
    fields.push_back({part.head.name, texts.back(), part.file});
  }
  FormError error;
  if (fields_to_tree(fields, {.max_depth = max_depth}, out, error)) return true;
  detail_ = error.message;
  return false;
}

void Upload::check(validation::Issues& issues) const {
  const auto add = [&](const FilePlan& plan, std::string_view type, std::string message, const std::string* input) {
    validation::Issue issue;
    issue.type = type;
    issue.loc = {"files", plan.name};
    issue.msg = std::move(message);
    NodeBuilder value;
    if (input == nullptr) value.null();
    else value.string(*input);
    issue.input = Document(std::move(value));
    issues.add(std::move(issue));
  };
  for (const FilePlan& plan : route_.files) {
    bool there = false;
    for (const Part& part : parts_) {
      if (part.plan != &plan || !part.file) continue;
      there = true;
      const std::string& declared = part.head.content_type;
      const std::optional<MediaType> type = parse_media_type(declared);
      const bool taken =
          plan.content_types.empty() || (type && std::any_of(plan.content_types.begin(), plan.content_types.end(),
                                                             [&](const std::string& one) { return accepts(one, *type); }));
      if (!taken) {
        std::string wanted;
        for (const std::string& one : plan.content_types) wanted.append(wanted.empty() ? "" : ", ").append(one);
        add(plan, "validation_error", "File should be of the type " + wanted, &declared);
        continue;
      }
      if (!plan.sniff) continue;
      if (part.size == 0) {
        add(plan, "validation_error", "File should not be empty", &*part.head.filename);
        continue;
      }
      const std::string_view found = sniff_media_type(part.spooled >= 0 ? part.first : part.bytes);
      if (!found.empty() && !may_be_declared(found, declared))
        add(plan, "validation_error", "File should be of the type that its part declares, its content is " + std::string(found),
            &declared);
    }
    if (plan.required && !there) add(plan, "missing", "Field required", nullptr);
  }
}

void Upload::put_file(const Part& part, NodeBuilder& out, bool content) const {
  out.begin_object();
  out.key("filename");
  out.string(*part.head.filename);
  out.key("content_type");
  out.string(part.head.content_type);
  out.key("size");
  out.uinteger(part.size);
  if (content && part.spooled >= 0) {
    out.key("path");
    out.string(spool_->path(static_cast<std::uint32_t>(part.spooled)));
  } else if (content) {
    out.key("content");
    out.bytes(part.bytes);
  }
  if (!part.head.headers.empty()) {
    out.key("headers");
    out.begin_object();
    for (const auto& [name, value] : part.head.headers) {
      out.key(name);
      out.string(value);
    }
    out.end();
  }
  out.end();
}

void Upload::put(Value v, NodeBuilder& out, bool content) const {
  if (v.is(NodeType::bytes)) {
    std::size_t index = 0;
    const std::string_view text = v.text();
    std::from_chars(text.data(), text.data() + text.size(), index);
    return put_file(parts_[index], out, content);
  }
  if (v.is_array()) {
    out.begin_array();
    for (const Value one : v.elements()) put(one, out, content);
    return out.end();
  }
  if (v.is_object()) {
    out.begin_object();
    for (const auto& [key, value] : v.members()) {
      out.key(key);
      put(value, out, content);
    }
    return out.end();
  }
  out.copy(v);
}

void Upload::write(Value tree, NodeBuilder& out) const { put(tree, out, true); }

Document Upload::describe(Value tree) const {
  NodeBuilder out;
  put(tree, out, false);
  return Document(std::move(out));
}

}  // namespace spikard::http::detail
