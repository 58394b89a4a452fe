addEventListener("message", () => {});
