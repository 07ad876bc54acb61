"use strict";

// Each event is the new content of the page.
const main = document.querySelector("main");
const link = document.querySelector("#link");
const events = new EventSource("/events");
events.onmessage = (event) => {
	main.innerHTML = event.data;
	document.title = `${main.querySelector(".figures b").textContent} waiting – Grading backend`;
	link.textContent = "live";
	link.className = "";
};
events.onerror = () => {
	link.textContent = "connection lost";
	link.className = "lost";
};

// Kill and drain need the operator's token, which the tab remembers.
const token = document.querySelector("#token");
const answer = document.querySelector("#answer");
token.value = sessionStorage.getItem("token") ?? "";
token.onchange = () => sessionStorage.setItem("token", token.value);

main.onclick = async (event) => {
	const button = event.target.closest("button[data-do]");
	if (!button) return;
	const { do: what, ...fields } = button.dataset;
	if (what === "kill" && !confirm(`Kill job ${fields.job}?`)) return;
	try {
		const response = await fetch("/" + what, {
			method: "POST",
			headers: { Authorization: "Bearer " + token.value },
			body: new URLSearchParams(fields),
		});
		answer.textContent = response.ok ? `${what}: done` : `${what}: ${(await response.text()).trim()}`;
	} catch (error) {
		answer.textContent = `${what}: ${error.message}`;
	}
};
