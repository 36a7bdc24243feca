# The runner and its providers, with nothing beside them: no shell, no package
# manager, nobody who is root. The folder that it is built in holds the
# programs by platform, such as linux/amd64/runner: goreleaser lays it out for
# a release, and make image for whoever builds one of their own.
FROM gcr.io/distroless/static-debian13:nonroot
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/ /usr/local/bin/

# Operation files, lists and run files are mounted here. That a run has begun is
# noted below it too, or it would be forgotten with the container, and every
# plan would be one of another machine.
WORKDIR /data
ENV XDG_STATE_HOME=/data/.runner/state
ENTRYPOINT ["/usr/local/bin/runner"]
