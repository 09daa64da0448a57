#include "watchers/graph/signing_identity.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <ctime>
#include <vector>

#include "base/files.h"
#include "base/secret.h"
#include "base/strings.h"

namespace driftwarden::graph {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Deleter<X509_free>>;
using Pkcs12Ptr = std::unique_ptr<PKCS12, Deleter<PKCS12_free>>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

constexpr int kLeastBits = 2048;
constexpr uint64_t kFileLimit = uint64_t{1} << 20;

struct Parts {
  KeyPtr key;
  std::vector<CertPtr> certificates;
};

StatusOr<Secret> ReadAsSecret(const std::string& path) {
  DW_ASSIGN_OR_RETURN(std::string content, ReadFile(path, kFileLimit));
  return Secret(std::move(content));
}

BioPtr Over(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

bool IsPem(std::string_view text) {
  return text.find("-----BEGIN ") != std::string_view::npos;
}

// OpenSSL's own error texts may quote what was read, so none of them is passed on.
int GivePassphrase(char* buffer, int size, int /*writing*/, void* passphrase) {
  const std::string_view text = static_cast<const Secret*>(passphrase)->Reveal();
  if (text.empty() || text.size() > static_cast<size_t>(size)) return 0;
  text.copy(buffer, text.size());
  return static_cast<int>(text.size());
}

std::vector<CertPtr> ReadCertificates(std::string_view pem, Secret* passphrase) {
  std::vector<CertPtr> out;
  const BioPtr bio = Over(pem);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, GivePassphrase, passphrase)) {
    out.emplace_back(one);
  }
  ERR_clear_error();
  return out;
}

StatusOr<KeyPtr> ReadPemKey(std::string_view pem, const std::string& path, Secret* passphrase,
                            const std::string& passphrase_file) {
  const BioPtr bio = Over(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, GivePassphrase, passphrase));
  ERR_clear_error();
  if (key != nullptr) return key;
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return InvalidError(Cat(path,
                            " holds no private key in PEM form; name the key with "
                            "private_key_file"));
  }
  if (pem.find("ENCRYPTED") == std::string_view::npos) {
    return InvalidError(Cat("the private key in ", path, " cannot be read; export it again"));
  }
  if (passphrase->empty()) {
    return InvalidError(Cat("the private key in ", path,
                            " is encrypted; write its passphrase to a file and name it with "
                            "passphrase_file"));
  }
  return InvalidError(Cat("the passphrase in ", passphrase_file,
                          " does not open the private key in ", path, "; write the right one"));
}

StatusOr<Parts> FromPem(std::string_view pem, const SigningFiles& files, Secret* passphrase) {
  Parts parts;
  parts.certificates = ReadCertificates(pem, passphrase);
  if (parts.certificates.empty()) {
    return InvalidError(
        Cat(files.certificate_file, " holds no certificate; export it as PEM or PKCS#12"));
  }
  if (files.private_key_file.empty()) {
    DW_ASSIGN_OR_RETURN(parts.key,
                        ReadPemKey(pem, files.certificate_file, passphrase, files.passphrase_file));
    return parts;
  }
  DW_ASSIGN_OR_RETURN(const Secret key_pem, ReadAsSecret(files.private_key_file));
  DW_ASSIGN_OR_RETURN(parts.key, ReadPemKey(key_pem.Reveal(), files.private_key_file, passphrase,
                                            files.passphrase_file));
  return parts;
}

StatusOr<Parts> FromPkcs12(std::string_view bytes, const SigningFiles& files,
                           const Secret& passphrase) {
  const std::string& path = files.certificate_file;
  const BioPtr bio = Over(bytes);
  const Pkcs12Ptr box(d2i_PKCS12_bio(bio.get(), nullptr));
  ERR_clear_error();
  if (box == nullptr) {
    return InvalidError(Cat(path, " is neither PEM nor PKCS#12; export the certificate again"));
  }
  if (!files.private_key_file.empty()) {
    return InvalidError(Cat(path, " is PKCS#12, which holds the key; remove private_key_file"));
  }
  const std::string word(passphrase.Reveal());
  const bool opens = PKCS12_verify_mac(box.get(), word.c_str(), -1) == 1 ||
                     (word.empty() && PKCS12_verify_mac(box.get(), nullptr, 0) == 1);
  if (PKCS12_mac_present(box.get()) == 1 && !opens) {
    ERR_clear_error();
    if (word.empty()) {
      return InvalidError(Cat(path,
                              " is encrypted; write its passphrase to a file and name it "
                              "with passphrase_file"));
    }
    return InvalidError(Cat("the passphrase in ", files.passphrase_file, " does not open ", path,
                            "; write the right one"));
  }
  Parts parts;
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* others = nullptr;
  const int parsed = PKCS12_parse(box.get(), word.c_str(), &key, &certificate, &others);
  parts.key.reset(key);
  if (certificate != nullptr) parts.certificates.emplace_back(certificate);
  while (X509* other = others == nullptr ? nullptr : sk_X509_shift(others)) {
    parts.certificates.emplace_back(other);
  }
  sk_X509_free(others);
  ERR_clear_error();
  if (parsed != 1) {
    return InvalidError(Cat(path,
                            " cannot be decrypted: its algorithms are too old (RC2) or unknown; "
                            "export it with AES-256"));
  }
  if (parts.key == nullptr || parts.certificates.empty()) {
    return InvalidError(Cat(path, " holds no certificate with its private key; export both"));
  }
  return parts;
}

StatusOr<absl::Time> TimeOf(const ASN1_TIME* time) {
  tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) {
    ERR_clear_error();
    return InvalidError("the certificate's validity cannot be read; export it again");
  }
  return absl::FromTM(broken, absl::UTCTimeZone());
}

StatusOr<std::string> Thumbprint(X509* certificate, const EVP_MD* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, digest, bytes, &size) != 1) {
    ERR_clear_error();
    return InternalError("no digest of the certificate");
  }
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace

StatusOr<SigningIdentity> SigningIdentity::Load(const SigningFiles& files) {
  Secret passphrase;
  if (!files.passphrase_file.empty()) {
    DW_ASSIGN_OR_RETURN(passphrase, ReadSecretFile(files.passphrase_file));
  }
  DW_ASSIGN_OR_RETURN(const Secret content, ReadAsSecret(files.certificate_file));
  Parts parts;
  if (IsPem(content.Reveal())) {
    DW_ASSIGN_OR_RETURN(parts, FromPem(content.Reveal(), files, &passphrase));
  } else {
    DW_ASSIGN_OR_RETURN(parts, FromPkcs12(content.Reveal(), files, passphrase));
  }
  const std::string& key_file =
      files.private_key_file.empty() ? files.certificate_file : files.private_key_file;
  if (EVP_PKEY_get_base_id(parts.key.get()) != EVP_PKEY_RSA) {
    return InvalidError(Cat("the key in ", key_file,
                            " is not RSA, and Entra takes no other; make a certificate with an RSA "
                            "key"));
  }
  if (EVP_PKEY_get_bits(parts.key.get()) < kLeastBits) {
    return InvalidError(Cat("the key in ", key_file, " has ", EVP_PKEY_get_bits(parts.key.get()),
                            " bits, which is weak; make one of at least ", kLeastBits));
  }
  X509* own = nullptr;
  for (const CertPtr& certificate : parts.certificates) {
    if (own == nullptr && X509_check_private_key(certificate.get(), parts.key.get()) == 1) {
      own = certificate.get();
    }
  }
  ERR_clear_error();
  if (own == nullptr) {
    return InvalidError(Cat("the private key in ", key_file,
                            " is not the one of the certificate in ", files.certificate_file,
                            "; put the two that belong together there"));
  }
  SigningIdentity out;
  DW_ASSIGN_OR_RETURN(out.sha1_, Thumbprint(own, EVP_sha1()));
  DW_ASSIGN_OR_RETURN(out.sha256_, Thumbprint(own, EVP_sha256()));
  DW_ASSIGN_OR_RETURN(out.not_before_, TimeOf(X509_get0_notBefore(own)));
  DW_ASSIGN_OR_RETURN(out.not_after_, TimeOf(X509_get0_notAfter(own)));
  out.key_ = std::shared_ptr<EVP_PKEY>(parts.key.release(), EVP_PKEY_free);
  return out;
}

StatusOr<std::string> SigningIdentity::Sign(std::string_view text, Padding padding) const {
  const ContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  bool ok = context != nullptr &&
            EVP_DigestSignInit(context.get(), &key_context, EVP_sha256(), nullptr, key_.get()) == 1;
  if (padding == Padding::kPss) {
    ok = ok && EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  ok = ok && EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  std::string out(ok ? size : 0, '\0');
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                            bytes, text.size()) == 1;
  ERR_clear_error();
  if (!ok) return InternalError("the private key does not sign");
  out.resize(size);
  return out;
}

}  // namespace driftwarden::graph
