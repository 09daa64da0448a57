#pragma once

// A source whose accounts are read in a configured way: their scope, anchor and kept attributes.
// When that way is another one than before, what is known was read in the old way, and everybody is
// read again. Stands before the source that knows how to follow a controller, and keeps a mark of
// the way in its cursor: "r1:MARK CURSOR".

#include <string>

#include "watchers/ad_options.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

class AdReadingSource final : public ChangeSource {
 public:
  // `source` must outlive it.
  AdReadingSource(ChangeSource& source, const AdSourceOptions& options);

  const monitor::SourceName& name() const override { return source_.name(); }
  monitor::SourceKind kind() const override { return source_.kind(); }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId batch,
                               BatchSink& sink) override;

 private:
  class Marking;

  ChangeSource& source_;
  const std::string mark_;  // with its blank
};

}  // namespace driftwarden::watchers
