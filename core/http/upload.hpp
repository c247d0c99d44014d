#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.hpp"
#include "base/node.hpp"
#include "http/multipart.hpp"
#include "http/plan.hpp"
#include "http/problem.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "validation/issue.hpp"

namespace spikard::http::detail {

/// Temporary files of one request, written on the blocking pool and deleted at the end. Loop thread only, but for `work`.
class Spool final : public std::enable_shared_from_this<Spool> {
 public:
  /// `pool` may be null: then files are written on the loop.
  Spool(net::Loop& loop, net::BlockingPool* pool, std::string directory);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// The number of a new file.
  [[nodiscard]] std::uint32_t add();
  void append(std::uint32_t file, std::string bytes);
  void finish(std::uint32_t file);
  /// Begins what was appended, unless something runs already. `done` is called on the loop when nothing is left to write.
  void start();
  [[nodiscard]] bool busy() const noexcept { return running_ || !jobs_.empty(); }
  /// When not busy. Empty when a file could not be written: `error` says why.
  [[nodiscard]] const std::string& path(std::uint32_t file) const noexcept { return files_[file].path; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  /// Nobody looks any more: the files go, off the loop where that can be.
  void abandon();

  Function<void()> done;

 private:
  struct File {
    int fd = -1;
    std::string path;
  };
  struct Job {
    std::uint32_t file;
    std::string bytes;
    bool last;
  };
  void work(std::vector<Job>& jobs);
  void remove() noexcept;
  void ended();

  std::shared_ptr<net::Loop::Mailbox> loop_;
  net::BlockingPool* const pool_;
  const std::string directory_;
  std::vector<Job> jobs_;
  bool running_ = false;
  bool abandoned_ = false;
  // the running job's, else the loop's
  std::vector<File> files_;
  std::string error_;
};

/// A multipart body on its way: fields in memory, files in memory up to a threshold, then in temporary files.
class Upload final : private MultipartParser::Handler {
 public:
  Upload(const RoutePlan& route, const services::Multipart& config, std::string_view boundary, net::Loop& loop,
         net::BlockingPool* pool);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// A piece of the body. What follows an error is dropped. False: too large, answer at once.
  [[nodiscard]] bool take(std::string_view bytes);
  void finish();
  /// Bytes wait to be written: give no more until `ready` was called.
  [[nodiscard]] bool busy() const noexcept { return spool_ != nullptr && spool_->busy(); }
  Function<void()> ready;

  /// What is wrong with the body, or null. `detail` says it in words.
  [[nodiscard]] const ProblemKind* failure() const noexcept { return failure_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  /// Why a file could not be kept, for the log.
  [[nodiscard]] std::string_view spool_error() const noexcept {
    return spool_ == nullptr ? std::string_view() : std::string_view(spool_->error());
  }

  /// One object of the fields: texts, and for each file a `bytes` node that stands for it. False: `detail` says why (400).
  [[nodiscard]] bool tree(std::uint32_t max_depth, NodeBuilder& out);
  /// The errors of the route's `files`.
  void check(validation::Issues& issues) const;
  /// `tree` (typed, defaults filled in) with each file in its place: `{filename, content_type, size, content | path, headers}`.
  void write(Value tree, NodeBuilder& out) const;
  /// A copy for an error's `input`: files without content.
  [[nodiscard]] Document describe(Value tree) const;

 private:
  struct Part {
    PartHead head;
    bool file = false;
    const FilePlan* plan = nullptr;
    std::uint64_t size = 0;
    std::string bytes;  // a field's text, a file in memory
    std::string first;  // of a file that is not in memory
    std::int64_t spooled = -1;
  };

  bool on_part(PartHead&& head) override;
  bool on_data(std::string_view bytes) override;
  bool on_part_end() override;
  bool too_large(std::string detail);
  void put(Value v, NodeBuilder& out, bool content) const;
  void put_file(const Part& part, NodeBuilder& out, bool content) const;

  const RoutePlan& route_;
  const services::Multipart& config_;
  net::Loop& loop_;
  net::BlockingPool* const pool_;
  MultipartParser parser_;
  std::vector<Part> parts_;
  std::uint64_t field_bytes_ = 0;
  std::uint64_t memory_ = 0;
  std::shared_ptr<Spool> spool_;
  const ProblemKind* failure_ = nullptr;
  std::string detail_;
};

}  // namespace spikard::http::detail
