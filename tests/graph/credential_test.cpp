// What each kind of credential sends, and what it says when its files are wrong. The simulator's
// token endpoint, which verifies by itself, is the judge.

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/files.h"
#include "base/hex.h"
#include "net/tls.h"
#include "simulator/app_registration.h"
#include "simulator/web_token.h"
#include "tests/graph/graph_fixture.h"
#include "tests/testing/temp_directory.h"
#include "watchers/graph/certificate_credential.h"

namespace driftwarden::graph {
namespace {

using simulator::AppRegistration;

constexpr char kTokenUrl[] = "https://login.example.test/contoso/oauth2/v2.0/token";
const absl::Time kNow = absl::FromUnixSeconds(1795219200);

net::PemPair Make(int bits, absl::Time from, absl::Time until) {
  net::RsaIdentityOptions options;
  options.name = "app";
  options.bits = bits;
  options.not_before = from;
  options.not_after = until;
  auto made = net::MakeRsaIdentity(options);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

// Keys are dear to make: two good ones for all tests.
const net::PemPair& Good() {
  static const net::PemPair pair = Make(2048, kNow - absl::Hours(1), kNow + absl::Hours(24 * 90));
  return pair;
}
const net::PemPair& Other() {
  static const net::PemPair pair = Make(2048, kNow - absl::Hours(1), kNow + absl::Hours(24 * 90));
  return pair;
}

struct OpenSsl {
  explicit OpenSsl(const net::PemPair& pair) {
    BIO* bio = BIO_new_mem_buf(pair.key_pem.data(), -1);
    key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(pair.certificate_pem.data(), -1);
    certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
  }
  ~OpenSsl() {
    EVP_PKEY_free(key);
    X509_free(certificate);
  }
  OpenSsl(const OpenSsl&) = delete;
  OpenSsl& operator=(const OpenSsl&) = delete;
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
};

std::string Drained(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<size_t>(size));
  BIO_free(bio);
  return out;
}

std::string EncryptedKey(const net::PemPair& pair, std::string word) {
  const OpenSsl parts(pair);
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio, parts.key, EVP_aes_256_cbc(), word.data(),
                                          static_cast<int>(word.size()), nullptr, nullptr),
            1);
  return Drained(bio);
}

std::string Pkcs12(const net::PemPair& pair, const std::string& word) {
  const OpenSsl parts(pair);
  PKCS12* box = PKCS12_create(word.c_str(), "app", parts.key, parts.certificate, nullptr, 0, 0,
                              2048, 2048, 0);
  EXPECT_NE(box, nullptr);
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(i2d_PKCS12_bio(bio, box), 1);
  PKCS12_free(box);
  return Drained(bio);
}

class CredentialTest : public ::testing::Test {
 protected:
  CredentialTest() {
    files_.certificate_file = File("app.pem", Good().certificate_pem);
    files_.private_key_file = File("app.key", Good().key_pem);
    app_.client_id = "app-1";
    EXPECT_TRUE(app_.AddCertificate(Good().certificate_pem).ok());
  }
  std::string File(const std::string& name, const std::string& content) {
    const std::string path = Cat(folder_.path(), "/", name);
    EXPECT_TRUE(WriteFileAtomic(path, content).ok());
    return path;
  }
  ProofRequest Request(absl::Time now = kNow) {
    ProofRequest request;
    request.token_url = kTokenUrl;
    request.client_id = "app-1";
    request.now = now;
    request.rng = &rng_;
    return request;
  }
  // The AADSTS code that the simulated endpoint answers; 0: a token. The credential's own error
  // comes out as its text.
  std::string Answer(Credential& credential, absl::Time ours = kNow, absl::Time theirs = kNow) {
    auto form = credential.FormFields(Request(ours));
    if (!form.ok()) return std::string(Message(form.status()));
    form->emplace_back("client_id", "app-1");
    const auto refusal = app_.Judge(*form, {kTokenUrl}, theirs);
    return refusal ? Cat(refusal->code) : "0";
  }
  std::string Answer() {
    CertificateCredential credential(files_, AssertionForm::kPs256);
    return Answer(credential);
  }

  testing::TempDirectory folder_;
  SeededRng rng_{11};
  SigningFiles files_;
  AppRegistration app_;
};

TEST_F(CredentialTest, ACertificateIsAcceptedInBothForms) {
  CertificateCredential ps256(files_, AssertionForm::kPs256);
  EXPECT_EQ(Answer(ps256), "0");
  CertificateCredential rs256(files_, AssertionForm::kRs256);
  EXPECT_EQ(Answer(rs256), "0");
  EXPECT_EQ(ps256.ValidUntil(), kNow + absl::Hours(24 * 90));
}

TEST_F(CredentialTest, TheAssertionSaysWhatTheDocumentsWant) {
  CertificateCredential credential(files_, AssertionForm::kPs256);
  const auto form = credential.FormFields(Request());
  ASSERT_TRUE(form.ok()) << form.status();
  ASSERT_EQ(form->size(), 2u);
  EXPECT_EQ((*form)[0].second, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  const auto token = simulator::ParseWebToken((*form)[1].second);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->HeaderText("alg"), "PS256");
  EXPECT_EQ(token->HeaderText("typ"), "JWT");
  EXPECT_EQ(token->HeaderText("x5t"), "");
  const auto der = simulator::CertificateDer(Good().certificate_pem);
  EXPECT_EQ(token->HeaderText("x5t#S256"), simulator::Sha256Of(*der));
  EXPECT_EQ(token->Claim("aud"), kTokenUrl);
  EXPECT_EQ(token->Claim("iss"), "app-1");
  EXPECT_EQ(token->Claim("sub"), "app-1");
  EXPECT_EQ(token->Claim("jti").size(), 36u);
  const int64_t now = absl::ToUnixSeconds(kNow);
  EXPECT_EQ(token->Number("nbf"), now - 60);
  EXPECT_EQ(token->Number("iat"), now - 60);
  EXPECT_EQ(token->Number("exp"), now + 540);
  const auto again = credential.FormFields(Request());
  EXPECT_NE(simulator::ParseWebToken((*again)[1].second)->Claim("jti"), token->Claim("jti"));
}

TEST_F(CredentialTest, KeysAreFoundWhereverTheyStand) {
  files_.private_key_file.clear();
  files_.certificate_file = File("both.pem", Cat(Good().key_pem, Good().certificate_pem));
  EXPECT_EQ(Answer(), "0");
  files_.certificate_file =
      File("chain.pem", Cat(Other().certificate_pem, Good().certificate_pem, Good().key_pem));
  EXPECT_EQ(Answer(), "0") << "the certificate that the key belongs to";
  files_.passphrase_file = File("word", "pass word\n");
  files_.certificate_file = File("app.pfx", Pkcs12(Good(), "pass word"));
  EXPECT_EQ(Answer(), "0");
  files_.certificate_file = File("app.pem", Good().certificate_pem);
  files_.private_key_file = File("app.key", EncryptedKey(Good(), "pass word"));
  EXPECT_EQ(Answer(), "0");
}

TEST_F(CredentialTest, AnUnprotectedPkcs12NeedsNoPassphrase) {
  files_.private_key_file.clear();
  files_.certificate_file = File("app.p12", Pkcs12(Good(), ""));
  EXPECT_EQ(Answer(), "0");
}

TEST_F(CredentialTest, ARotatedCertificateCountsAtOnce) {
  CertificateCredential credential(files_, AssertionForm::kPs256);
  EXPECT_EQ(Answer(credential), "0");
  File("app.pem", Other().certificate_pem);
  const std::string half = Answer(credential);
  EXPECT_NE(half.find("is not the one of the certificate"), std::string::npos) << half;
  File("app.key", Other().key_pem);
  EXPECT_EQ(Answer(credential), "700027");
  EXPECT_NE(credential.Mend(TokenFault::kUnknownCertificate).find("upload the certificate"),
            std::string::npos);
  ASSERT_TRUE(app_.AddCertificate(Other().certificate_pem).ok());
  EXPECT_EQ(Answer(credential), "0");
}

TEST_F(CredentialTest, ClocksThatDifferAreTheEndpointsToJudge) {
  CertificateCredential credential(files_, AssertionForm::kPs256);
  EXPECT_EQ(Answer(credential, kNow + absl::Minutes(4), kNow), "0");
  EXPECT_EQ(Answer(credential, kNow + absl::Minutes(20), kNow), "700024");
  EXPECT_EQ(Answer(credential, kNow - absl::Minutes(20), kNow), "700024");
  EXPECT_NE(credential.Mend(TokenFault::kAssertionTime).find("clock"), std::string::npos);
}

TEST_F(CredentialTest, WrongFilesAreNamedWithTheMend) {
  const std::string key = File("good.key", Good().key_pem);
  const std::string sealed = File("sealed.key", EncryptedKey(Good(), "right"));
  const std::string word = File("word", "wrong");
  const std::string pem = files_.certificate_file;
  const std::string box = File("app.pfx", Pkcs12(Good(), "right"));
  struct Case {
    std::string certificate, key, word, says;
  };
  const Case cases[] = {
      {pem, File("other.key", Other().key_pem), "", "is not the one of the certificate in"},
      {pem, sealed, "", "is encrypted; write its passphrase to a file"},
      {pem, sealed, word, "does not open the private key in"},
      {pem, pem, "", "holds no private key in PEM form"},
      {pem, "", "", "name the key with private_key_file"},
      {key, key, "", "holds no certificate"},
      {box, "", "", "is encrypted; write its passphrase to a file"},
      {box, "", word, "does not open"},
      {box, key, word, "remove private_key_file"},
      {File("junk", "junk"), key, "", "is neither PEM nor PKCS#12"},
      {File("cut", Good().certificate_pem.substr(0, 200)), key, "", "holds no certificate"},
      {pem, File("cut.key", Good().key_pem.substr(0, 200)), "", "cut.key"},
      {Cat(folder_.path(), "/absent"), key, "", "absent"},
      {pem, Cat(folder_.path(), "/absent"), "", "absent"},
      {pem, key, Cat(folder_.path(), "/absent"), "absent"}};
  for (const Case& c : cases) {
    files_.certificate_file = c.certificate;
    files_.private_key_file = c.key;
    files_.passphrase_file = c.word;
    const std::string answer = Answer();
    EXPECT_NE(answer.find(c.says), std::string::npos) << answer << "\nwanted: " << c.says;
    EXPECT_EQ(answer.find("wrong"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("MII"), std::string::npos) << answer;
  }
}

TEST_F(CredentialTest, ACertificateOutsideItsTimeOrTooWeakIsNotUsed) {
  const auto expect = [this](const net::PemPair& pair, std::string_view says) {
    files_.certificate_file = File("app.pem", pair.certificate_pem);
    files_.private_key_file = File("app.key", pair.key_pem);
    const std::string answer = Answer();
    EXPECT_NE(answer.find(says), std::string::npos) << answer;
  };
  const absl::Duration day = absl::Hours(24);
  expect(Make(2048, kNow - 2 * day, kNow - day), "expired at 2026-11-20T");
  expect(Make(2048, kNow + day, kNow + 2 * day), "is not valid before 2026-11-22T");
  expect(Make(1024, kNow - day, kNow + day), "has 1024 bits, which is weak");
  auto ec = net::MakeCa("ec", kNow);
  ASSERT_TRUE(ec.ok());
  expect(*ec, "is not RSA");
}

TEST_F(CredentialTest, AFederatedTokenIsSentAsItStandsInItsFile) {
  simulator::FederatedTrust trust;
  trust.issuer = "https://issuer.example";
  trust.subject = "system:serviceaccount:a:b";
  trust.certificate_pem = Other().certificate_pem;
  app_.trust = trust;
  const auto token = [&](const std::string& subject, absl::Duration left) {
    auto made = simulator::MakeWebToken({{"alg", "RS256"}},
                                        {{"iss", trust.issuer},
                                         {"sub", subject},
                                         {"aud", trust.audience},
                                         {"exp", absl::ToUnixSeconds(kNow + left)}},
                                        Other().key_pem);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  };
  const std::string path = File("token", token(trust.subject, absl::Hours(1)) + "\n");
  FederatedTokenCredential credential(path);
  EXPECT_EQ(Answer(credential), "0");
  File("token", token("system:serviceaccount:a:c", absl::Hours(1)));
  EXPECT_EQ(Answer(credential), "700213");
  const std::string mend = credential.Mend(TokenFault::kFederatedMismatch);
  EXPECT_NE(mend.find("iss https://issuer.example, sub system:serviceaccount:a:c, aud api://"),
            std::string::npos)
      << mend;
  File("token", token(trust.subject, -absl::Hours(1)));
  EXPECT_EQ(Answer(credential), "700024");
  EXPECT_NE(credential.Mend(TokenFault::kAssertionTime).find("renews"), std::string::npos);
  File("token", "no token");
  EXPECT_NE(Answer(credential).find("holds no JSON web token"), std::string::npos);
}

TEST_F(CredentialTest, TheSimulatedEndpointRefusesWhatEntraRefuses) {
  const auto code = [this](std::string assertion, absl::Time now = kNow) {
    net::QueryPairs form = AssertionFields(std::move(assertion));
    form.emplace_back("client_id", "app-1");
    const auto refusal = app_.Judge(form, {kTokenUrl}, now);
    return refusal ? refusal->code : 0;
  };
  SigningFiles files = files_;
  const auto identity = SigningIdentity::Load(files);
  ASSERT_TRUE(identity.ok()) << identity.status();
  const auto made = [&](const ProofRequest& request) {
    return *MakeAssertion(*identity, AssertionForm::kPs256, request);
  };
  const std::string good = made(Request());
  EXPECT_EQ(code(good), 0);
  EXPECT_EQ(code(good), 0) << "the same one again";
  EXPECT_EQ(code(good, kNow + absl::Hours(1)), 700024);
  ProofRequest elsewhere = Request();
  elsewhere.token_url = "https://login.other.test/contoso/oauth2/v2.0/token";
  EXPECT_EQ(code(made(elsewhere)), 700023);
  ProofRequest stranger = Request();
  stranger.client_id = "app-2";
  EXPECT_EQ(code(made(stranger)), 700021);
  std::string broken = good;
  broken[broken.size() - 20] = broken[broken.size() - 20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(code(broken), 700027);
  EXPECT_EQ(code("a.b.c"), 50027);
  app_.RemoveCertificates();
  EXPECT_EQ(code(good), 700027);
}

}  // namespace
}  // namespace driftwarden::graph
