# Ferrovia's verbs. `make test` needs Rust stable, Java 17 and Maven; everything else it fetches itself.
#
#   make demo    the worker, an embedded broker and a file sink, from nothing
#   make test    format, lints, docs and every test, real Apache Kafka and Java Connect included
#   make check   the same without Java: real-Kafka tests are announced as skipped
#   make perf    side-by-side throughput against Java Connect and a bare client (perf/out/)
#   make bench   micro-benchmarks of the data path
#   make kafka   only fetch the Kafka jars and compile the Java side of the tests

SHELL := /bin/sh
CARGO ?= cargo
MVN ?= mvn
JAVA ?= java
JAVAC ?= javac
JAR ?= jar
KAFKA_VERSIONS := 4.2.0 3.9.1
CACHE := $(or $(FERROVIA_CACHE),.cache)
ORACLE := $(CACHE)/kafka-4.2.0/libs
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)

# Locally a machine without Java still gets the other tests; in CI that is an error.
HAS_JAVA := $(shell command -v java >/dev/null 2>&1 && command -v $(JAVAC) >/dev/null 2>&1 && command -v $(MVN) >/dev/null 2>&1 && echo yes)

.PHONY: demo test check perf bench kafka lint release tested java-present

demo:
	$(CARGO) run --release -p ferrovia -- demo

test: lint java-present $(if $(HAS_JAVA),kafka) tested
	FERROVIA_BIN=$(TARGET)/tested/ferrovia $(CARGO) test --workspace

check: lint tested
	FERROVIA_WITHOUT_JAVA=1 FERROVIA_BIN=$(TARGET)/tested/ferrovia $(CARGO) test --workspace

perf: kafka
	$(CARGO) build --release -p ferrovia -p ferrovia-perf
	$(TARGET)/release/ferrovia-perf $(PERF_ARGS)

bench:
	$(CARGO) bench -p ferrovia-benches $(BENCH_ARGS)

kafka: $(KAFKA_VERSIONS:%=$(CACHE)/kafka-%/.complete) $(CACHE)/java/archive/.complete

release:
	$(CARGO) build --release -p ferrovia

tested:
	$(CARGO) build --profile tested -p ferrovia

# The two optional tools are used where they are installed and never asked for.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps
	@if command -v cargo-deny >/dev/null 2>&1; then $(CARGO) deny --all-features check; fi
	@if command -v cargo-machete >/dev/null 2>&1; then $(CARGO) machete; fi

java-present:
ifeq ($(HAS_JAVA),)
	@echo "missing: java, javac (17 or newer) or mvn. Tests against real Kafka and Java Connect cannot run." >&2
	@if [ "$$CI" = true ]; then exit 1; else echo "They will be SKIPPED; install the tools to run them." >&2; fi
endif

# A .complete file marks a whole download, so a broken one is fetched again.
$(CACHE)/kafka-%/.complete: tests/kafka/kafka-%.xml
	rm -rf $(@D) && mkdir -p $(@D)
	$(MVN) -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(abspath $(@D))/libs
	touch $@

$(CACHE)/java/%/.complete: $(CACHE)/kafka-4.2.0/.complete Makefile
	rm -rf $(@D) && mkdir -p $(@D)
	$(JAVAC) -nowarn -cp '$(ORACLE)/*' -d $(@D)/classes $(filter %.java,$^)
	$(JAR) --create --file $(@D)/classes.jar -C $(@D)/classes .
	touch $@

$(CACHE)/java/tests/.complete: $(wildcard tests/java/*.java)
$(CACHE)/java/perf/.complete: $(wildcard perf/java/*.java)

# What JVMs of tests load, ready to be mapped. It is tied to the class path, which has to be the tests' letter for letter.
# Without an archive, which not every JVM can make, tests take longer and nothing else.
JAVA_CACHE = $(abspath $(CACHE))/java
$(CACHE)/java/archive/.complete: $(CACHE)/java/tests/.complete $(CACHE)/java/perf/.complete
	rm -rf $(@D) && mkdir -p $(@D)/run
	$(JAVA) -XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=$(@D)/classes.jsa \
		-cp '$(JAVA_CACHE)/tests/classes.jar:$(JAVA_CACHE)/perf/classes.jar:$(abspath $(ORACLE))/*' \
		Rehearsal $(@D)/run >$(@D)/log 2>&1 || tail $(@D)/log >&2
	rm -rf $(@D)/run
	touch $@
