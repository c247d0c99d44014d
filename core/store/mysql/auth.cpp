#include "store/mysql/auth.hpp"

#include <openssl/evp.h>

namespace spikard::store::mysql {
namespace {

std::string digest(const EVP_MD* kind, std::initializer_list<std::string_view> parts) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, kind, nullptr);
  for (const std::string_view part : parts) EVP_DigestUpdate(context, part.data(), part.size());
  EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  EVP_MD_CTX_free(context);
  return out;
}

std::string mixed(std::string a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

std::string clear_text(std::string_view password) { return std::string(password) + '\0'; }

}  // namespace

Result<std::string> auth_response(std::string_view plugin, const AuthContext& context) {
  if (plugin == "mysql_clear_password") {
    if (!context.secret)
      return Error(ErrorKind::permission_denied, "the server asks for the password in clear text, and there is no TLS");
    return clear_text(context.password);
  }
  if (plugin == "mysql_native_password") {
    if (context.password.empty()) return std::string();
    const std::string once = digest(EVP_sha1(), {context.password});
    const std::string twice = digest(EVP_sha1(), {once});
    return mixed(once, digest(EVP_sha1(), {context.scramble, twice}));
  }
  if (plugin == "caching_sha2_password") {
    if (context.password.empty()) return std::string();
    const std::string once = digest(EVP_sha256(), {context.password});
    const std::string twice = digest(EVP_sha256(), {once});
    return mixed(once, digest(EVP_sha256(), {twice, context.scramble}));
  }
  return Error(ErrorKind::unsupported, "the server wants authentication by " + std::string(plugin) +
                                           "; there is mysql_native_password, caching_sha2_password and mysql_clear_password");
}

Result<std::string> auth_continue(std::string_view plugin, std::string_view data, const AuthContext& context) {
  if (plugin == "caching_sha2_password" && data.size() == 1) {
    if (data[0] == 3) return std::string();  // it knew the password still
    if (data[0] == 4) {
      // The server's RSA key could be anybody's: the password goes over what nobody listens to, or not at all.
      if (!context.secret)
        return Error(ErrorKind::permission_denied,
                     "caching_sha2_password wants the whole password once, and there is no TLS: ssl-mode=required");
      return clear_text(context.password);
    }
  }
  return Error(ErrorKind::unsupported, "the server wants more of " + std::string(plugin) + " than is known here");
}

}  // namespace spikard::store::mysql
