// The workloads of bench/README.md on fasthttp, with its router and go-playground/validator.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"regexp"
	"strconv"

	"github.com/fasthttp/router"
	"github.com/go-playground/validator/v10"
	"github.com/valyala/fasthttp"
)

type Item struct {
	SKU      string  `json:"sku" validate:"sku"`
	Quantity int     `json:"quantity" validate:"min=1,max=1000"`
	Price    float64 `json:"price" validate:"min=0"`
}

type Order struct {
	Customer string  `json:"customer" validate:"min=1,max=100"`
	Items    []Item  `json:"items" validate:"min=1,max=50,dive"`
	Note     *string `json:"note" validate:"omitempty,max=500"`
}

type Receipt struct {
	Customer string  `json:"customer"`
	Items    int     `json:"items"`
	Total    float64 `json:"total"`
}

type User struct {
	ID      int64  `json:"id"`
	Verbose bool   `json:"verbose"`
	Name    string `json:"name"`
}

type Article struct {
	ID       int     `json:"id"`
	Name     string  `json:"name"`
	SKU      string  `json:"sku"`
	Price    float64 `json:"price"`
	Quantity int     `json:"quantity"`
	Active   bool    `json:"active"`
	Note     *string `json:"note"`
}

var (
	sku      = regexp.MustCompile(`^[A-Z]{3}-[0-9]{4}$`)
	validate = validator.New(validator.WithRequiredStructEnabled())
	articles []Article
)

func answer(ctx *fasthttp.RequestCtx, status int, value any) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	if err := json.NewEncoder(ctx).Encode(value); err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
	}
}

func plain(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("Hello, World!") }

func user(ctx *fasthttp.RequestCtx) {
	id, err := strconv.ParseInt(ctx.UserValue("id").(string), 10, 64)
	if err != nil || id < 1 {
		ctx.Error("id must be an integer of at least 1", fasthttp.StatusUnprocessableEntity)
		return
	}
	verbose := false
	if text := ctx.QueryArgs().Peek("verbose"); text != nil {
		if verbose, err = strconv.ParseBool(string(text)); err != nil {
			ctx.Error("verbose must be a boolean", fasthttp.StatusUnprocessableEntity)
			return
		}
	}
	answer(ctx, fasthttp.StatusOK, User{id, verbose, fmt.Sprintf("user %d", id)})
}

func create(ctx *fasthttp.RequestCtx) {
	var order Order
	if err := json.Unmarshal(ctx.PostBody(), &order); err != nil {
		ctx.Error(err.Error(), fasthttp.StatusBadRequest)
		return
	}
	if err := validate.Struct(&order); err != nil {
		ctx.Error(err.Error(), fasthttp.StatusUnprocessableEntity)
		return
	}
	total := 0.0
	for _, item := range order.Items {
		total += float64(item.Quantity) * item.Price
	}
	answer(ctx, fasthttp.StatusCreated, Receipt{order.Customer, len(order.Items), total})
}

func list(ctx *fasthttp.RequestCtx) { answer(ctx, fasthttp.StatusOK, articles) }

func main() {
	if err := validate.RegisterValidation("sku", func(f validator.FieldLevel) bool { return sku.MatchString(f.Field().String()) }); err != nil {
		log.Fatal(err)
	}
	for i := 0; i < 200; i++ {
		articles = append(articles, Article{i, fmt.Sprintf("Item number %d", i), fmt.Sprintf("ABC-%d", 1000+i), 9.99 + float64(i), i % 17, i%2 == 0, nil})
	}
	r := router.New()
	r.GET("/plain", plain)
	r.GET("/users/{id}", user)
	r.POST("/orders", create)
	r.GET("/list", list)
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	log.Fatal(fasthttp.ListenAndServe("127.0.0.1:"+port, r.Handler))
}
