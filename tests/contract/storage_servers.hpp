#pragma once

#include <string>
#include <string_view>

#include "server.hpp"
#include "services/storage.gen.hpp"

namespace spikard::contract {

/// A store on a real server (`s3`, `gcs`, `azblob`): its bucket or container, with a folder to be added to the URL.
[[nodiscard]] inline services::StorageConfig store_on(std::string_view server) {
  services::StorageConfig out;
  if (server == "s3") {
    out.url = "s3://" + server_setting("S3_BUCKET");
    out.s3.endpoint = server_setting("S3_URL");
    out.s3.addressing = services::S3Addressing::path;
    out.s3.access_key = server_setting("S3_ACCESS_KEY");
    out.s3.secret_key = server_setting("S3_SECRET_KEY");
  } else if (server == "gcs") {
    out.url = "gcs://" + server_setting("GCS_BUCKET");
    out.gcs.endpoint = server_setting("GCS_URL");
    out.gcs.anonymous = true;
  } else {
    out.url = "azblob://" + server_setting("AZBLOB_CONTAINER");
    out.azblob.endpoint = server_setting("AZBLOB_URL");
    out.azblob.account = server_setting("AZBLOB_ACCOUNT");
    out.azblob.account_key = server_setting("AZBLOB_KEY");
  }
  return out;
}

}  // namespace spikard::contract
