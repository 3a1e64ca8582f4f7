/* Starts Swagger UI on the document that the page names. Nothing is loaded from elsewhere. */
"use strict";

const place = document.getElementById("ui");

window.ui = SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
  syntaxHighlight: false,
  validatorUrl: null,
});
