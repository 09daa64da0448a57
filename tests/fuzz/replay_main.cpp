// fuzz_replay TARGET FILE|FOLDER…: runs the target over each file, and over each of its beginnings,
// as an ordinary test with any compiler. No seed at all is a failure: a test that tests nothing.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

namespace fs = std::filesystem;

std::vector<uint8_t> ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void Replay(const std::vector<uint8_t>& bytes) {
  for (size_t size = 0; size <= bytes.size(); ++size) {
    // A copy of just that size, so that AddressSanitizer sees a read behind its end.
    const std::vector<uint8_t> input(bytes.begin(),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(size));
    (void)LLVMFuzzerTestOneInput(input.data(), input.size());
  }
}

std::vector<fs::path> FilesOf(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !driftwarden::fuzz::SelectTarget(argv[1])) {
    std::fprintf(stderr, "usage: fuzz_replay TARGET FILE|FOLDER...\n");
    return 2;
  }
  size_t count = 0;
  for (int i = 2; i < argc; ++i) {
    for (const fs::path& file : FilesOf(argv[i])) {
      // Flushed: the last line names the file that a crash belongs to.
      std::printf("%s\n", file.c_str());
      std::fflush(stdout);
      Replay(ReadAll(file));
      ++count;
    }
  }
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
