#include "storage/opendal/library.hpp"

#include <dlfcn.h>

#include <string>

namespace spikard::storage::detail {

namespace {

constexpr const char* file_name = "libspikard_opendal.so";

void* load(std::string& problems) {
  std::string places[2];
  ::Dl_info self{};
  if (::dladdr(reinterpret_cast<const void*>(&opendal_library), &self) != 0 && self.dli_fname != nullptr) {
    const std::string own = self.dli_fname;
    const std::size_t slash = own.rfind('/');
    if (slash != own.npos) places[0] = own.substr(0, slash + 1) + file_name;
  }
  places[1] = SPIKARD_OPENDAL_LIBRARY;
  for (const std::string& place : places) {
    if (place.empty()) continue;
    if (void* found = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL); found != nullptr) return found;
    const char* problem = ::dlerror();
    problems += problems.empty() ? "" : "; ";
    problems += problem != nullptr ? problem : place.c_str();
  }
  return nullptr;
}

Result<OpendalLibrary> open_library() {
  std::string problems;
  void* from = load(problems);
  if (from == nullptr) return Error(ErrorKind::unsupported, std::string(file_name) + " cannot be loaded: " + problems);
  OpendalLibrary out{};
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    void* at = ::dlsym(from, name);
    if (at == nullptr) missing = name;
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(at);
  };
  find(out.open, "spk_opendal_open");
  find(out.close, "spk_opendal_close");
  find(out.cancel, "spk_opendal_cancel");
  find(out.release, "spk_opendal_release");
  find(out.stat, "spk_opendal_stat");
  find(out.get, "spk_opendal_get");
  find(out.read, "spk_opendal_read");
  find(out.next, "spk_opendal_next");
  find(out.reader_free, "spk_opendal_reader_free");
  find(out.put, "spk_opendal_put");
  find(out.write, "spk_opendal_write");
  find(out.push, "spk_opendal_push");
  find(out.finish, "spk_opendal_finish");
  find(out.writer_free, "spk_opendal_writer_free");
  find(out.remove, "spk_opendal_remove");
  find(out.list, "spk_opendal_list");
  find(out.copy, "spk_opendal_copy");
  find(out.presign, "spk_opendal_presign");
  find(out.begin_upload, "spk_opendal_begin_upload");
  find(out.complete_upload, "spk_opendal_complete_upload");
  find(out.abort_upload, "spk_opendal_abort_upload");
  if (missing != nullptr) return Error(ErrorKind::unsupported, std::string(file_name) + " has no " + missing);
  return out;
}

}  // namespace

Result<const OpendalLibrary*> opendal_library() {
  static const Result<OpendalLibrary> loaded = open_library();
  if (!loaded.ok()) return loaded.error();
  return &*loaded;
}

}  // namespace spikard::storage::detail
