#include "net/test_peer.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace spikard::net::test {

Identity::Identity(const std::string& name) : folder(::testing::TempDir() + "spikard_tls_XXXXXX") {
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  certificate = folder + "/cert.pem";
  key = folder + "/key.pem";
  renew(name);
}

Identity::~Identity() {
  ::unlink(certificate.c_str());
  ::unlink(key.c_str());
  ::rmdir(folder.c_str());
}

void Identity::renew(const std::string& name) {
  ::EVP_PKEY* pair = ::EVP_EC_gen("P-256");
  ::X509* x509 = ::X509_new();
  ::X509_set_version(x509, X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(x509), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(x509), -3600);
  ::X509_gmtime_adj(::X509_getm_notAfter(x509), 3600);
  ::X509_NAME* subject = ::X509_get_subject_name(x509);
  ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  ::X509_set_issuer_name(x509, subject);
  ::X509_set_pubkey(x509, pair);
  const std::string names = "DNS:" + name + ",IP:127.0.0.1";
  ::X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  ::X509_add_ext(x509, extension, -1);
  ::X509_EXTENSION_free(extension);
  EXPECT_GT(::X509_sign(x509, pair, ::EVP_sha256()), 0);
  std::FILE* file = std::fopen(certificate.c_str(), "w");
  EXPECT_EQ(::PEM_write_X509(file, x509), 1);
  std::fclose(file);
  file = std::fopen(key.c_str(), "w");
  EXPECT_EQ(::PEM_write_PrivateKey(file, pair, nullptr, nullptr, 0, nullptr, nullptr), 1);
  std::fclose(file);
  ::X509_free(x509);
  ::EVP_PKEY_free(pair);
}

}  // namespace spikard::net::test
