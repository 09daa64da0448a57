#include "net/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/check.h"
#include "base/strings.h"

namespace driftwarden::net {
namespace {

constexpr size_t kBufferSize = size_t{32} << 10;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say: with the header and trailer of gzip
constexpr int kMemoryLevel = 8;

// zlib counts its input in 32 bits: handed over in parts. Returns what was handed over.
size_t Give(z_stream& stream, std::string_view rest) {
  const size_t part = std::min<size_t>(rest.size(), std::numeric_limits<uInt>::max());
  // zlib reads it only; the missing const is its age.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
  stream.avail_in = static_cast<uInt>(part);
  return part;
}

void Empty(z_stream& stream, char* buffer) {
  stream.next_out = reinterpret_cast<Bytef*>(buffer);
  stream.avail_out = static_cast<uInt>(kBufferSize);
}

// What ends a stream of one direction.
struct Inflating {
  z_stream stream{};
  ~Inflating() { inflateEnd(&stream); }
};
struct Deflating {
  z_stream stream{};
  ~Deflating() { deflateEnd(&stream); }
};

bool IsRefused(std::string_view parameters) {
  for (const std::string& parameter : SplitString(parameters, ';')) {
    const std::string_view text = TrimAscii(parameter);
    if (text.size() < 3 || !EqualsIgnoreCase(text.substr(0, 2), "q=")) continue;
    return text.substr(2).find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

}  // namespace

std::string Gzip(std::string_view plain) {
  Deflating state;
  z_stream& stream = state.stream;
  const int begun = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                                 Z_DEFAULT_STRATEGY);
  DW_CHECK(begun == Z_OK);
  const std::unique_ptr<char[]> buffer(new char[kBufferSize]);
  std::string packed;
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    if (stream.avail_in == 0) plain.remove_prefix(Give(stream, plain));
    Empty(stream, buffer.get());
    result = deflate(&stream, plain.empty() ? Z_FINISH : Z_NO_FLUSH);
    DW_CHECK(result == Z_OK || result == Z_STREAM_END);
    packed.append(buffer.get(), kBufferSize - stream.avail_out);
  }
  return packed;
}

StatusOr<std::string> Gunzip(std::string_view packed, size_t limit) {
  Inflating state;
  z_stream& stream = state.stream;
  const int begun = inflateInit2(&stream, kGzipWindow);
  DW_CHECK(begun == Z_OK);
  const std::unique_ptr<char[]> buffer(new char[kBufferSize]);
  std::string plain;
  while (true) {
    if (stream.avail_in == 0) packed.remove_prefix(Give(stream, packed));
    Empty(stream, buffer.get());
    const int result = inflate(&stream, Z_NO_FLUSH);
    const size_t count = kBufferSize - stream.avail_out;
    if (count > limit - plain.size()) {
      return DataLossError(Cat("unpacks to more than ", limit, " bytes"));
    }
    plain.append(buffer.get(), count);
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0 && packed.empty()) return plain;
      inflateReset(&stream);  // the next member
    } else if (result == Z_BUF_ERROR) {
      return DataLossError("the gzip data is cut");
    } else if (result != Z_OK) {
      return DataLossError(
          Cat("not gzip data: ", stream.msg == nullptr ? "no reason given" : stream.msg));
    }
  }
}

bool AcceptsGzip(std::string_view accept_encoding) {
  for (const std::string& item : SplitString(accept_encoding, ',')) {
    const std::string_view text = item;
    const size_t semicolon = std::min(text.find(';'), text.size());
    const std::string_view name = TrimAscii(text.substr(0, semicolon));
    const bool known =
        EqualsIgnoreCase(name, "gzip") || EqualsIgnoreCase(name, "x-gzip") || name == "*";
    if (known) return !IsRefused(text.substr(semicolon));
  }
  return false;
}

}  // namespace driftwarden::net
