#include "control/compile/zstd_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>
#include <zstd.h>

#include "config/files/file.h"

namespace sluice::compile {
namespace {

constexpr int kFastLevel = 1;

struct PackerFree {
  void operator()(ZSTD_CCtx* stream) const { ZSTD_freeCCtx(stream); }
};
struct PackedClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

struct ZstdFile::State {
  std::filesystem::path path;
  std::filesystem::path part;
  std::unique_ptr<std::FILE, PackedClose> file;
  std::unique_ptr<ZSTD_CCtx, PackerFree> stream;
  std::vector<char> packed = std::vector<char>(ZSTD_CStreamOutSize());
  bool finished = false;

  ~State() {
    std::error_code ignored;
    if (!finished) std::filesystem::remove(part, ignored);
  }

  [[nodiscard]] tl::unexpected<Error> error(const char* what) const {
    return fail(std::string(what) + ": " + std::strerror(errno), part.string(),
                "free some space, and check owner and mode");
  }

  Status pack(std::string_view bytes, ZSTD_EndDirective how) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer output{packed.data(), packed.size(), 0};
      const std::size_t more = ZSTD_compressStream2(stream.get(), &output, &input, how);
      if (ZSTD_isError(more) != 0) {
        return fail(std::string("zstd: ") + ZSTD_getErrorName(more), part.string());
      }
      if (std::fwrite(packed.data(), 1, output.pos, file.get()) != output.pos) {
        return error("cannot write");
      }
      if (how == ZSTD_e_end ? more == 0 : input.pos == input.size) return {};
    }
  }
};

ZstdFile::ZstdFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZstdFile::ZstdFile(ZstdFile&&) noexcept = default;
ZstdFile& ZstdFile::operator=(ZstdFile&&) noexcept = default;
ZstdFile::~ZstdFile() = default;

Result<ZstdFile> ZstdFile::create(const std::filesystem::path& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->part =
      path.parent_path() / ("." + path.filename().string() + std::string(files::kPartSuffix));
  state->file.reset(std::fopen(state->part.c_str(), "wbe"));
  if (!state->file) return state->error("cannot create");
  state->stream.reset(ZSTD_createCCtx());
  if (!state->stream) return fail("out of memory", state->part.string());
  ZSTD_CCtx_setParameter(state->stream.get(), ZSTD_c_compressionLevel, kFastLevel);
  ZSTD_CCtx_setParameter(state->stream.get(), ZSTD_c_checksumFlag, 1);
  return ZstdFile(std::move(state));
}

Status ZstdFile::write(std::string_view bytes) { return state_->pack(bytes, ZSTD_e_continue); }

Status ZstdFile::finish() {
  if (auto status = state_->pack({}, ZSTD_e_end); !status) return status;
  if (std::fflush(state_->file.get()) != 0) return state_->error("cannot write");
  if (auto status = files::sync_file(state_->part); !status) return status;
  if (auto status = files::rename_synced(state_->part, state_->path); !status) return status;
  state_->finished = true;
  return {};
}

}  // namespace sluice::compile
