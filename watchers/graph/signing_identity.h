#pragma once

// An RSA certificate and its private key from files, and signatures with it (OpenSSL behind it).

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/status.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace driftwarden::graph {

struct SigningFiles {
  std::string certificate_file;  // PEM, or PKCS#12; told apart by what is in it
  std::string private_key_file;  // PEM; empty: the key stands in certificate_file too
  std::string passphrase_file;   // empty: the key is not encrypted
};

// Immutable, cheap to copy.
class SigningIdentity {
 public:
  enum class Padding { kPss, kPkcs1 };  // both with SHA-256; PSS with a salt of 32 bytes

  // Reads the files. InvalidArgument, naming file and mend and nothing of the content: not
  // readable, no certificate, wrong or missing passphrase, no RSA key of at least 2048 bits, a key
  // of another certificate. Of several certificates the key's own is taken.
  static StatusOr<SigningIdentity> Load(const SigningFiles& files);

  absl::Time not_before() const { return not_before_; }
  absl::Time not_after() const { return not_after_; }
  // Of the certificate's DER form, as bytes.
  const std::string& Sha1Thumbprint() const { return sha1_; }
  const std::string& Sha256Thumbprint() const { return sha256_; }

  StatusOr<std::string> Sign(std::string_view text, Padding padding) const;

 private:
  SigningIdentity() = default;

  std::shared_ptr<evp_pkey_st> key_;
  std::string sha1_;
  std::string sha256_;
  absl::Time not_before_;
  absl::Time not_after_;
};

}  // namespace driftwarden::graph
