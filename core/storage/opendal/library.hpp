#pragma once

#include "base/result.hpp"
#include "storage/opendal/opendal.h"

namespace spikard::storage::detail {

/// The functions of libspikard_opendal.so.
struct OpendalLibrary {
  decltype(&spk_opendal_open) open;
  decltype(&spk_opendal_close) close;
  decltype(&spk_opendal_cancel) cancel;
  decltype(&spk_opendal_release) release;
  decltype(&spk_opendal_stat) stat;
  decltype(&spk_opendal_get) get;
  decltype(&spk_opendal_read) read;
  decltype(&spk_opendal_next) next;
  decltype(&spk_opendal_reader_free) reader_free;
  decltype(&spk_opendal_put) put;
  decltype(&spk_opendal_write) write;
  decltype(&spk_opendal_push) push;
  decltype(&spk_opendal_finish) finish;
  decltype(&spk_opendal_writer_free) writer_free;
  decltype(&spk_opendal_remove) remove;
  decltype(&spk_opendal_list) list;
  decltype(&spk_opendal_copy) copy;
  decltype(&spk_opendal_presign) presign;
  decltype(&spk_opendal_begin_upload) begin_upload;
  decltype(&spk_opendal_complete_upload) complete_upload;
  decltype(&spk_opendal_abort_upload) abort_upload;
};

/// Loaded at the first call and kept: beside the program or library that this is linked into, or where the build made it.
/// Errors: unsupported. Thread-safe.
[[nodiscard]] Result<const OpendalLibrary*> opendal_library();

}  // namespace spikard::storage::detail
